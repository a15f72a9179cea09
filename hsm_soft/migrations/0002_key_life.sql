-- Keys of partners and terminals beside the installation's own, each with its life; and the officers who
-- decide about them, two at a time.
ALTER TABLE hsm.key ALTER COLUMN id TYPE integer;
ALTER TABLE hsm.key ALTER COLUMN key_block DROP NOT NULL;
ALTER TABLE hsm.key DROP CONSTRAINT key_name_key;
ALTER TABLE hsm.key ADD COLUMN owner text NOT NULL DEFAULT 'installation';
ALTER TABLE hsm.key ADD COLUMN usage text;
ALTER TABLE hsm.key ADD COLUMN state text NOT NULL DEFAULT 'active'
    CHECK (state IN ('pre-active', 'active', 'deactivated', 'destroyed'));
ALTER TABLE hsm.key ADD COLUMN slot text DEFAULT 'current' CHECK (slot IN ('next', 'current', 'previous'));
ALTER TABLE hsm.key ADD COLUMN activated_at timestamptz;
ALTER TABLE hsm.key ADD COLUMN deactivated_at timestamptz;
ALTER TABLE hsm.key ADD COLUMN usable_until timestamptz;
ALTER TABLE hsm.key ADD COLUMN destroyed_at timestamptz;
UPDATE hsm.key SET usage = replace(name, ' ', '-'), activated_at = created_at;
ALTER TABLE hsm.key ALTER COLUMN usage SET NOT NULL;
ALTER TABLE hsm.key ADD CONSTRAINT key_slot UNIQUE (owner, usage, slot);
ALTER TABLE hsm.key ADD CONSTRAINT key_destroyed CHECK ((state = 'destroyed') = (key_block IS NULL));
ALTER TABLE hsm.key ADD CONSTRAINT key_in_slot CHECK (
    CASE slot WHEN 'next' THEN state = 'pre-active' WHEN 'current' THEN state = 'active'
              WHEN 'previous' THEN state = 'deactivated' ELSE state IN ('deactivated', 'destroyed') END
);

COMMENT ON TABLE hsm.key IS 'Keys and their lives. Ids are never used again; those below 100 are the named keys.';
COMMENT ON COLUMN hsm.key.owner IS 'installation, link:NAME or terminal:MERCHANT/TERMINAL';
COMMENT ON COLUMN hsm.key.usable_until IS 'A deactivated key still verifies and decrypts until then.';

CREATE TABLE hsm.officer (
    name       text        PRIMARY KEY,
    passphrase text        NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);
COMMENT ON COLUMN hsm.officer.passphrase IS 'Argon2id in PHC form; the passphrase itself is nowhere.';

CREATE TABLE hsm.ceremony (
    id          integer     PRIMARY KEY,
    activity    text        NOT NULL,
    subject     jsonb       NOT NULL,
    opened_by   text        NOT NULL REFERENCES hsm.officer,
    opened_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > opened_at),
    approved_by text        REFERENCES hsm.officer CHECK (approved_by <> opened_by),
    approved_at timestamptz,
    closed_at   timestamptz
);
COMMENT ON TABLE hsm.ceremony IS 'What two officers allow for a limited time.';

CREATE TABLE hsm.component (
    ceremony_id integer NOT NULL REFERENCES hsm.ceremony,
    officer     text    NOT NULL REFERENCES hsm.officer,
    number      integer NOT NULL CHECK (number BETWEEN 1 AND 9),
    key_block   text    NOT NULL,
    check_value text    NOT NULL,
    PRIMARY KEY (ceremony_id, officer),
    UNIQUE (ceremony_id, number)
);
COMMENT ON TABLE hsm.component IS 'Components between entry and combination; deleted when a ceremony closes.';
