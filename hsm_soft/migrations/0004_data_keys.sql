-- Data keys: what seals rows, one for each epoch of each usage, as key blocks under hsm.key 6.
-- Ids stand beside what a key sealed and are never used again. The highest id of a usage is current.
CREATE TABLE hsm.data_key (
    id           smallint    PRIMARY KEY CHECK (id > 0),
    usage        text        NOT NULL,
    key_block    text,
    check_value  text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    retired_at   timestamptz,
    destroyed_at timestamptz,
    CHECK ((key_block IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL)
);

COMMENT ON TABLE hsm.data_key IS 'What seals wallets, card numbers and personal data, by epoch.';
COMMENT ON COLUMN hsm.data_key.key_block IS 'X9.143 (TR-31) version D under the data key wrapping key; none once destroyed.';
