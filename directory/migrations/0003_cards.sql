-- Products and their cards. A PAN stands here only as a keyed hash (to find the card) and under AEAD (to show it
-- to who may see it); PINs as a keyed reference value.

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
