-- What the switch knows of the world: merchants and their terminals, products and their cards.
-- Identifiers are chosen by the client. A PAN stands here only as a keyed hash (to find the card) and under AEAD
-- (to show it to who may see it); PINs as a keyed reference value; keys as key blocks under the master key.

CREATE SCHEMA directory;

CREATE TABLE directory.merchant (
    id          bigint PRIMARY KEY,
    merchant_id text   NOT NULL UNIQUE CHECK (length(merchant_id) = 15),
    name        text   NOT NULL CHECK (name <> ''),
    category    text   NOT NULL CHECK (category ~ '^[0-9]{4}$'),
    state       text   NOT NULL CHECK (state IN ('active', 'suspended', 'closed'))
);
COMMENT ON COLUMN directory.merchant.merchant_id IS 'DE 42';
COMMENT ON COLUMN directory.merchant.category IS 'ISO 18245 merchant category code';

CREATE TABLE directory.product (
    id                    integer  PRIMARY KEY,
    name                  text     NOT NULL CHECK (name <> ''),
    asset                 smallint NOT NULL CHECK (asset > 0),
    pin_for_purchase      boolean  NOT NULL,
    pin_for_balance       boolean  NOT NULL,
    pin_tries_max         smallint NOT NULL CHECK (pin_tries_max > 0),
    transaction_max_minor bigint   CHECK (transaction_max_minor > 0),
    day_amount_max_minor  bigint   CHECK (day_amount_max_minor > 0),
    day_count_max         integer  CHECK (day_count_max > 0)
);
COMMENT ON TABLE directory.product IS 'The rules a kind of card shares; a null limit is no limit';

CREATE TABLE directory.card (
    pan_index  bytea   PRIMARY KEY CHECK (octet_length(pan_index) = 16),
    wallet_id  bigint  NOT NULL,
    product_id integer NOT NULL REFERENCES directory.product,
    state      text    NOT NULL CHECK (state IN ('stock', 'inactive', 'active', 'frozen', 'lost', 'stolen',
                                                 'replaced', 'expired', 'closed')),
    expiry     text    NOT NULL CHECK (expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
    pan_sealed bytea   NOT NULL CHECK (octet_length(pan_sealed) > 0),
    pin_salt   bytea   NOT NULL CHECK (octet_length(pin_salt) > 0),
    pin_value  bytea   NOT NULL CHECK (octet_length(pin_value) > 0)
);
COMMENT ON COLUMN directory.card.pan_index IS 'Keyed hash of the whole PAN';
COMMENT ON COLUMN directory.card.expiry IS 'YYMM';

-- A replacement takes over the wallet of the card it replaces: one card at a time owns a wallet.
CREATE UNIQUE INDEX card_of_wallet ON directory.card (wallet_id) WHERE state <> 'replaced';

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
    PRIMARY KEY (merchant_id, terminal_id, created_at),
    FOREIGN KEY (merchant_id, terminal_id) REFERENCES directory.terminal (merchant_id, terminal_id)
);
COMMENT ON TABLE directory.terminal_key_set IS 'Session keys of the latest sign-ons, as key blocks';
COMMENT ON COLUMN directory.terminal_key_set.verified_at IS 'When a message first verified with them';
