-- Products, card numbers, customers and cards. A PAN stands here only as a keyed hash (to find the card) and under
-- AEAD (to show it to who may see it); PINs as a keyed reference value; what is personal as the PAN does.

CREATE TABLE directory.product (
    id       bigint PRIMARY KEY CHECK (id > 0),
    party_id bigint NOT NULL REFERENCES directory.party,
    code     text   NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$'),
    name     text   NOT NULL CHECK (name <> '')
);
CREATE INDEX product_of_party ON directory.product (party_id);

-- What was promised stays promised: a version never changes, and goes only before anything was decided by it.
CREATE TABLE directory.product_version (
    product_id        bigint  NOT NULL REFERENCES directory.product,
    version           integer NOT NULL CHECK (version > 0),
    effective_from_us bigint  NOT NULL,
    terms             text    NOT NULL CHECK (terms <> ''),
    added_us          bigint  NOT NULL,
    PRIMARY KEY (product_id, version),
    UNIQUE (product_id, effective_from_us)
);
COMMENT ON COLUMN directory.product_version.terms IS 'JSON, as directory.product_terms reads and writes it';

CREATE TRIGGER never_changed BEFORE UPDATE ON directory.product_version
    FOR EACH ROW EXECUTE FUNCTION directory.refuse_change();

CREATE TABLE directory.number_range (
    id              bigint   PRIMARY KEY CHECK (id > 0),
    party_id        bigint   NOT NULL REFERENCES directory.party,
    parent_id       bigint   REFERENCES directory.number_range,
    name            text     NOT NULL CHECK (name <> ''),
    first           text     NOT NULL CHECK (first ~ '^[0-9]{1,18}$'),
    last            text     NOT NULL CHECK (last ~ '^[0-9]{1,18}$' AND length(last) = length(first)
                                             AND last >= first),
    pan_digits      smallint NOT NULL CHECK (pan_digits BETWEEN 12 AND 19 AND pan_digits > length(first)),
    ordering        text     NOT NULL CHECK (ordering IN ('sequence', 'scattered')),
    check_digit     text     NOT NULL CHECK (check_digit IN ('luhn', 'none')),
    quarantine_days integer  NOT NULL CHECK (quarantine_days >= 0),
    state           text     NOT NULL CHECK (state IN ('registered', 'open', 'closed')),
    next_position   bigint   NOT NULL DEFAULT 0 CHECK (next_position >= 0),
    UNIQUE (first, last)
);
CREATE INDEX number_range_of_party ON directory.number_range (party_id);
COMMENT ON COLUMN directory.number_range.first IS 'Leading digits of its lowest number';
COMMENT ON COLUMN directory.number_range.next_position IS 'How many fresh numbers were drawn; never goes back';

CREATE TABLE directory.customer (
    id              bigint PRIMARY KEY CHECK (id > 0),
    party_id        bigint NOT NULL REFERENCES directory.party,
    state           text   NOT NULL CHECK (state IN ('open', 'closed')),
    name_sealed     bytea  NOT NULL CHECK (octet_length(name_sealed) > 0),
    document_kind   text   NOT NULL CHECK (document_kind IN ('none', 'id_card', 'passport', 'residence_permit',
                                                             'business_licence', 'other')),
    document_sealed bytea,
    document_index  bytea  CHECK (octet_length(document_index) = 16),
    phone_sealed    bytea,
    phone_index     bytea  CHECK (octet_length(phone_index) = 16),
    verified_by     bigint REFERENCES directory.operator,
    verified_us     bigint,
    added_us        bigint NOT NULL,
    CHECK ((document_kind = 'none') = (document_sealed IS NULL)),
    CHECK ((document_sealed IS NULL) = (document_index IS NULL)),
    CHECK ((phone_sealed IS NULL) = (phone_index IS NULL)),
    CHECK ((verified_by IS NULL) = (verified_us IS NULL)),
    CHECK (verified_us IS NULL OR document_sealed IS NOT NULL)
);
CREATE INDEX customer_of_party ON directory.customer (party_id, id);
CREATE INDEX customer_by_phone ON directory.customer (phone_index);
CREATE UNIQUE INDEX customer_by_document ON directory.customer (document_kind, document_index, party_id)
    WHERE state = 'open';
COMMENT ON TABLE directory.customer IS 'One id for life, over all cards and services';

CREATE TABLE directory.customer_binding (
    id             bigint PRIMARY KEY CHECK (id > 0),
    customer_id    bigint NOT NULL REFERENCES directory.customer,
    kind           text   NOT NULL CHECK (kind IN ('account', 'service')),
    name           text   NOT NULL CHECK (name <> ''),
    number_sealed  bytea  NOT NULL CHECK (octet_length(number_sealed) > 0),
    number_index   bytea  NOT NULL CHECK (octet_length(number_index) = 16),
    attributes     text   NOT NULL,
    bound_us       bigint NOT NULL,
    unbound_us     bigint
);
CREATE UNIQUE INDEX binding_in_force ON directory.customer_binding (kind, name, number_index, customer_id)
    WHERE unbound_us IS NULL;
CREATE INDEX binding_of_customer ON directory.customer_binding (customer_id);
COMMENT ON COLUMN directory.customer_binding.name IS 'Of the institution that keeps the account, or of the service';
COMMENT ON COLUMN directory.customer_binding.attributes IS 'JSON object of texts, nothing personal';

CREATE TABLE directory.card_batch (
    id             bigint   PRIMARY KEY CHECK (id > 0),
    party_id       bigint   NOT NULL REFERENCES directory.party,
    product_id     bigint   NOT NULL REFERENCES directory.product,
    range_id       bigint   NOT NULL REFERENCES directory.number_range,
    state          text     NOT NULL CHECK (state IN ('making', 'made', 'released', 'delivered')),
    cards          integer  NOT NULL CHECK (cards > 0),
    recycled       integer  NOT NULL CHECK (recycled BETWEEN 0 AND cards),
    first_position bigint   NOT NULL CHECK (first_position >= 0),
    part_cards     integer  NOT NULL CHECK (part_cards > 0),
    expiry         text     NOT NULL,
    service_code   text     NOT NULL,
    pin_length     smallint NOT NULL,
    initial_minor  bigint   NOT NULL CHECK (initial_minor >= 0),
    asset          smallint NOT NULL,
    printer        text     NOT NULL,
    opened_us      bigint   NOT NULL,
    made_us        bigint,
    released_us    bigint,
    delivered_us   bigint
);
CREATE INDEX card_batch_of_party ON directory.card_batch (party_id, id);
COMMENT ON COLUMN directory.card_batch.first_position IS 'Its fresh numbers are those from here on, without a gap';

-- A part is written in the transaction that makes its cards: what is here is made, what is missing isn't.
CREATE TABLE directory.card_batch_part (
    batch_id bigint  NOT NULL REFERENCES directory.card_batch,
    part     integer NOT NULL CHECK (part >= 0),
    cards    bytea   NOT NULL,
    pins     bytea   NOT NULL,
    mailers  text    NOT NULL,
    PRIMARY KEY (batch_id, part)
);
COMMENT ON COLUMN directory.card_batch_part.cards IS 'Sealed for the printing house, as pins are; empty once it has them';

CREATE TABLE directory.card (
    id             bigint   PRIMARY KEY,
    pan_index      bytea    NOT NULL CHECK (octet_length(pan_index) = 16),
    party_id       bigint   NOT NULL REFERENCES directory.party,
    product_id     bigint   NOT NULL REFERENCES directory.product,
    wallet_id      bigint   NOT NULL,
    state          text     NOT NULL CHECK (state IN ('stock', 'inactive', 'active', 'frozen', 'lost', 'stolen',
                                                      'replaced', 'expired', 'closed')),
    state_before   text     CHECK (state_before IN ('inactive', 'active', 'frozen')),
    expiry         text     NOT NULL CHECK (expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
    printed_expiry text     NOT NULL CHECK (printed_expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
    pan_sealed     bytea    NOT NULL CHECK (octet_length(pan_sealed) > 0),
    pin_salt       bytea    NOT NULL CHECK (octet_length(pin_salt) > 0),
    pin_value      bytea    NOT NULL CHECK (octet_length(pin_value) > 0),
    serial         text     CHECK (serial <> ''),
    range_id       bigint   REFERENCES directory.number_range,
    batch_id       bigint   REFERENCES directory.card_batch,
    customer_id    bigint   REFERENCES directory.customer,
    relation       text     CHECK (relation IN ('main', 'supplementary')),
    main_card_id   bigint   REFERENCES directory.card,
    replaces_id    bigint   REFERENCES directory.card,
    closed_us      bigint,
    number_until_us bigint,
    CHECK ((customer_id IS NULL) = (relation IS NULL)),
    CHECK ((relation IS NOT DISTINCT FROM 'supplementary') = (main_card_id IS NOT NULL)),
    CHECK (state_before IS NULL OR state IN ('lost', 'stolen', 'expired'))
);
COMMENT ON COLUMN directory.card.pan_index IS 'Keyed hash of the whole PAN';
COMMENT ON COLUMN directory.card.state_before IS 'Where a lost, stolen or expired card was before; null: active';
COMMENT ON COLUMN directory.card.expiry IS 'YYMM, the last month in which it is good';
COMMENT ON COLUMN directory.card.printed_expiry IS 'YYMM as stripe and chip state it; an extension does not reach them';
COMMENT ON COLUMN directory.card.number_until_us IS 'Until when it had its number, which another card has now';

-- A number names one card at a time; once recycled, the card that had it before keeps its row.
CREATE UNIQUE INDEX card_of_number ON directory.card (pan_index) WHERE number_until_us IS NULL;
-- A replacement takes over the wallet of the card it replaces: one card at a time owns a wallet.
CREATE UNIQUE INDEX card_of_wallet ON directory.card (wallet_id) WHERE state <> 'replaced';
CREATE INDEX card_of_party ON directory.card (party_id, id);
CREATE INDEX card_of_batch ON directory.card (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX card_of_customer ON directory.card (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX card_of_main ON directory.card (main_card_id) WHERE main_card_id IS NOT NULL;
CREATE INDEX card_number_free ON directory.card (range_id, closed_us)
    WHERE closed_us IS NOT NULL AND number_until_us IS NULL;

-- Numbers of cards closed long enough that a batch has taken for new ones, in their order there.
CREATE TABLE directory.recycled_number (
    batch_id bigint  NOT NULL REFERENCES directory.card_batch,
    ordinal  integer NOT NULL CHECK (ordinal >= 0),
    card_id  bigint  NOT NULL UNIQUE REFERENCES directory.card,
    PRIMARY KEY (batch_id, ordinal)
);
