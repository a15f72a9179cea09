-- Merchants, what they are charged and paid, their stores and services, their terminals and batches.
-- Keys stand here as key blocks under the master key; the number of a bank account as the PAN does, under AEAD.

CREATE TABLE directory.fee_plan (
    id       bigint PRIMARY KEY CHECK (id > 0),
    party_id bigint NOT NULL REFERENCES directory.party,
    code     text   NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$'),
    name     text   NOT NULL CHECK (name <> '')
);
CREATE INDEX fee_plan_of_party ON directory.fee_plan (party_id);

CREATE TABLE directory.fee_plan_version (
    fee_plan_id       bigint  NOT NULL REFERENCES directory.fee_plan,
    version           integer NOT NULL CHECK (version > 0),
    effective_from_us bigint  NOT NULL,
    terms             text    NOT NULL CHECK (terms <> ''),
    added_us          bigint  NOT NULL,
    PRIMARY KEY (fee_plan_id, version),
    UNIQUE (fee_plan_id, effective_from_us)
);
COMMENT ON COLUMN directory.fee_plan_version.terms IS 'JSON, as directory.fee_plans reads and writes it';
CREATE TRIGGER never_changed BEFORE UPDATE ON directory.fee_plan_version
    FOR EACH ROW EXECUTE FUNCTION directory.refuse_change();

CREATE TABLE directory.merchant (
    id                bigint   PRIMARY KEY,
    merchant_id       text     NOT NULL UNIQUE CHECK (length(merchant_id) = 15),
    party_id          bigint   NOT NULL REFERENCES directory.party,
    name              text     NOT NULL CHECK (name <> ''),
    category          text     NOT NULL CHECK (category ~ '^[0-9]{4}$'),
    state             text     NOT NULL CHECK (state IN ('applied', 'approved', 'live', 'suspended', 'closed')),
    services          text[],
    accepts           bigint[],
    fee_plan_id       bigint   REFERENCES directory.fee_plan,
    settlement_cycle  text     CHECK (settlement_cycle IN ('daily', 'weekly', 'monthly')),
    settlement_days   smallint CHECK (settlement_days BETWEEN 0 AND 31),
    settlement_method text     CHECK (settlement_method IN ('net', 'gross')),
    account_name      text     CHECK (account_name <> ''),
    account_bank      text     CHECK (account_bank <> ''),
    account_sealed    bytea    CHECK (octet_length(account_sealed) > 0),
    account_tail      text     CHECK (length(account_tail) <= 4),
    CHECK (num_nulls(settlement_cycle, settlement_days, settlement_method, account_name, account_bank,
                     account_sealed, account_tail) IN (0, 7))
);
CREATE INDEX merchant_of_party ON directory.merchant (party_id, merchant_id);
COMMENT ON COLUMN directory.merchant.merchant_id IS 'DE 42';
COMMENT ON COLUMN directory.merchant.category IS 'ISO 18245 merchant category code';
COMMENT ON COLUMN directory.merchant.services IS 'What it may sell by; null for whatever the cards allow';
COMMENT ON COLUMN directory.merchant.accepts IS 'The products whose cards it takes; null for all';
COMMENT ON COLUMN directory.merchant.settlement_days IS 'Days from the end of a cycle until it is paid';
COMMENT ON COLUMN directory.merchant.settlement_method IS 'net: fees are kept back; gross: they are billed';

CREATE TABLE directory.store (
    merchant_id text NOT NULL REFERENCES directory.merchant (merchant_id),
    code        text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,15}$'),
    name        text NOT NULL CHECK (name <> ''),
    address     text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'closed')),
    PRIMARY KEY (merchant_id, code)
);

CREATE TABLE directory.service_category (
    code     text   PRIMARY KEY CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,15}$'),
    party_id bigint NOT NULL REFERENCES directory.party,
    name     text   NOT NULL CHECK (name <> '')
);
COMMENT ON TABLE directory.service_category IS 'What kinds of things merchants sell';

CREATE TABLE directory.service_item (
    merchant_id text   NOT NULL REFERENCES directory.merchant (merchant_id),
    code        text   NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,15}$'),
    category    text   NOT NULL REFERENCES directory.service_category,
    name        text   NOT NULL CHECK (name <> ''),
    price_minor bigint CHECK (price_minor >= 0),
    PRIMARY KEY (merchant_id, code)
);
COMMENT ON COLUMN directory.service_item.price_minor IS 'Null for what has no fixed price';

CREATE TABLE directory.terminal (
    merchant_id       text     NOT NULL REFERENCES directory.merchant (merchant_id),
    terminal_id       text     NOT NULL CHECK (length(terminal_id) = 8),
    state             text     NOT NULL CHECK (state IN ('inactive', 'active', 'suspended', 'closed')),
    store             text,
    model             text     NOT NULL DEFAULT '',
    serial            text     NOT NULL DEFAULT '',
    capabilities      text[]   NOT NULL DEFAULT '{}',
    services          text[],
    accepts           bigint[],
    floor_minor       bigint   NOT NULL DEFAULT 0 CHECK (floor_minor >= 0),
    offline_max_minor bigint   NOT NULL DEFAULT 0 CHECK (offline_max_minor >= floor_minor),
    offline_count_max integer  NOT NULL DEFAULT 0 CHECK (offline_count_max >= 0),
    master_key        text     CHECK (master_key <> ''),
    key_slot          smallint NOT NULL DEFAULT 0 CHECK (key_slot BETWEEN 0 AND 9),
    batch             text     NOT NULL CHECK (batch ~ '^[0-9]{6}$' AND batch <> '000000'),
    batch_opened_us   bigint   NOT NULL,
    batch_rule        text     NOT NULL DEFAULT 'settlement' CHECK (batch_rule IN ('settlement', 'cutover')),
    batch_hours_max   integer  CHECK (batch_hours_max > 0),
    version           bigint   NOT NULL DEFAULT 0,
    signed_off_at     timestamptz,
    PRIMARY KEY (merchant_id, terminal_id),
    FOREIGN KEY (merchant_id, store) REFERENCES directory.store (merchant_id, code),
    CONSTRAINT active_has_key CHECK (state IN ('inactive', 'closed') OR master_key IS NOT NULL)
);
CREATE INDEX terminal_of_age ON directory.terminal (batch_opened_us) WHERE batch_hours_max IS NOT NULL;
COMMENT ON COLUMN directory.terminal.terminal_id IS 'DE 41';
COMMENT ON COLUMN directory.terminal.capabilities IS 'What the device can do: how it reads cards, whether it asks for PINs';
COMMENT ON COLUMN directory.terminal.floor_minor IS 'The highest amount of one sale that it may take offline';
COMMENT ON COLUMN directory.terminal.offline_max_minor IS 'All it may take offline until it has been online again';
COMMENT ON COLUMN directory.terminal.key_slot IS 'In which slot of the device the master key stands';
COMMENT ON COLUMN directory.terminal.batch IS 'The batch that is open (DE 60.2)';
COMMENT ON COLUMN directory.terminal.version IS 'Grows with each change, its key sets'' changes included';

CREATE TABLE directory.terminal_batch (
    merchant_id text   NOT NULL,
    terminal_id text   NOT NULL,
    batch       text   NOT NULL,
    opened_us   bigint NOT NULL,
    closed_us   bigint NOT NULL,
    closed_by   text   NOT NULL CHECK (closed_by IN ('settlement', 'cutover', 'age', 'operator', 'replacement')),
    PRIMARY KEY (merchant_id, terminal_id, closed_us, batch),
    FOREIGN KEY (merchant_id, terminal_id) REFERENCES directory.terminal (merchant_id, terminal_id)
);
COMMENT ON TABLE directory.terminal_batch IS 'Batches that are closed; the open one stands with its terminal';

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
