-- The keys an installation has one of each, as key blocks under its master key: without that key this table opens
-- nothing, and a backup of the database is of no use without it either.
CREATE SCHEMA hsm;

CREATE TABLE hsm.key (
    id          smallint    PRIMARY KEY,
    name        text        NOT NULL UNIQUE,
    key_block   text        NOT NULL,
    check_value text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE hsm.key IS 'Named keys. Ids stand beside what the keys sealed and are never used again.';
COMMENT ON COLUMN hsm.key.key_block IS 'X9.143 (TR-31) version D key block under the local master key.';
COMMENT ON COLUMN hsm.key.check_value IS 'Five bytes in hexadecimal by which two people can compare a key.';
