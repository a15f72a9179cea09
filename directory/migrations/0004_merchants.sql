-- Merchants and their terminals. Keys stand here as key blocks under the master key.

CREATE TABLE directory.merchant (
    id          bigint PRIMARY KEY,
    merchant_id text   NOT NULL UNIQUE CHECK (length(merchant_id) = 15),
    name        text   NOT NULL CHECK (name <> ''),
    category    text   NOT NULL CHECK (category ~ '^[0-9]{4}$'),
    state       text   NOT NULL CHECK (state IN ('active', 'suspended', 'closed'))
);
COMMENT ON COLUMN directory.merchant.merchant_id IS 'DE 42';
COMMENT ON COLUMN directory.merchant.category IS 'ISO 18245 merchant category code';

CREATE TABLE directory.terminal (
    merchant_id   text   NOT NULL REFERENCES directory.merchant (merchant_id),
    terminal_id   text   NOT NULL CHECK (length(terminal_id) = 8),
    state         text   NOT NULL CHECK (state IN ('active', 'suspended', 'closed')),
    master_key    text   NOT NULL CHECK (master_key <> ''),
    batch         text   NOT NULL CHECK (batch ~ '^[0-9]{6}$' AND batch <> '000000'),
    version       bigint NOT NULL DEFAULT 0,
    signed_off_at timestamptz,
    PRIMARY KEY (merchant_id, terminal_id)
);
COMMENT ON COLUMN directory.terminal.terminal_id IS 'DE 41';
COMMENT ON COLUMN directory.terminal.batch IS 'The batch that is open (DE 60.2)';
COMMENT ON COLUMN directory.terminal.version IS 'Grows with each change, its key sets'' changes included';

CREATE TABLE directory.terminal_key_set (
    merchant_id text        NOT NULL,
    terminal_id text        NOT NULL,
    created_at  timestamptz NOT NULL,
    verified_at timestamptz,
    pin_key     text        NOT NULL CHECK (pin_key <> ''),
    mac_key     text        NOT NULL CHECK (mac_key <> ''),
    track_key   text        CHECK (track_key <> ''),
    PRIMARY KEY (merchant_id, terminal_id, created_at),
    FOREIGN KEY (merchant_id, terminal_id) REFERENCES directory.terminal (merchant_id, terminal_id)
);
COMMENT ON TABLE directory.terminal_key_set IS 'Session keys of the latest sign-ons, as key blocks';
COMMENT ON COLUMN directory.terminal_key_set.verified_at IS 'When a message first verified with them';
COMMENT ON COLUMN directory.terminal_key_set.track_key IS 'For terminals that ask for one at sign-on';
