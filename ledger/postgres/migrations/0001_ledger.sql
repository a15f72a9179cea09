-- The ledger's schema. Portable SQL: no extensions, no ids made by the database on the hot path.
-- The journal (transaction, entry, commit_group) and the wallet events are append-only; triggers hold that.

CREATE SCHEMA ledger;

-- A node takes a new number at every start; it is the upper part of each transaction's number.
CREATE SEQUENCE ledger.node_number MAXVALUE 16777215;

-- What the numbers in the journal mean, for readers of SQL. Equal to the program's enumerations by a test.
CREATE TABLE ledger.asset (id smallint PRIMARY KEY, code text NOT NULL UNIQUE, scale smallint NOT NULL);
INSERT INTO ledger.asset VALUES (156, 'CNY', 2);

CREATE TABLE ledger.account_kind (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ledger.account_kind VALUES (1, 'WALLET_CASH'), (2, 'MERCHANT_PAYABLE'), (3, 'PROGRAMME_FUNDING');

CREATE TABLE ledger.transaction_kind (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ledger.transaction_kind VALUES
    (1, 'PURCHASE'), (2, 'BALANCE_INQUIRY'), (3, 'PURCHASE_REVERSAL'), (100, 'WALLET_OPENING');

CREATE TABLE ledger.outcome (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ledger.outcome VALUES
    (0, 'APPROVED'), (10, 'TERMINAL_UNKNOWN'), (11, 'MALFORMED'), (12, 'MAC_WRONG'), (13, 'MERCHANT_INVALID'),
    (14, 'TERMINAL_NOT_PERMITTED'), (15, 'BATCH_NOT_OPEN'), (16, 'FUNCTION_NOT_SUPPORTED'),
    (20, 'DUPLICATE_DIFFERS'), (21, 'RELATED_TRANSACTION_WRONG'), (22, 'ORIGINAL_NOT_FOUND'),
    (23, 'ORIGINAL_AMOUNT_DIFFERS'), (30, 'CARD_RANGE_UNKNOWN'), (31, 'NO_ROUTE'), (40, 'CARD_UNKNOWN'),
    (41, 'CARD_DIFFERS'), (42, 'CARD_INACTIVE'), (43, 'CARD_LOST'), (44, 'CARD_STOLEN'), (45, 'CARD_EXPIRED'),
    (46, 'CARD_RESTRICTED'), (47, 'SERVICE_NOT_ALLOWED'), (50, 'PIN_UNREADABLE'), (51, 'PIN_MISSING'),
    (52, 'PIN_TRIES_EXCEEDED'), (53, 'PIN_WRONG'), (60, 'AMOUNT_INVALID'), (61, 'AMOUNT_OVER_LIMIT'),
    (62, 'COUNT_OVER_LIMIT'), (63, 'INSUFFICIENT_FUNDS'), (90, 'SYSTEM_MALFUNCTION'), (91, 'WALLET_QUARANTINED');

-- The ledger's days. Exactly one is open; a message's own dates never matter.
CREATE TABLE ledger.business_day (
    business_date date PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE UNIQUE INDEX business_day_one_open ON ledger.business_day ((true)) WHERE closed_at IS NULL;

-- One row a lane of a running node. Each group moves seq and head on; who resolves an unknown outcome moves
-- the epoch on, which fences a statement that is still on its way.
CREATE TABLE ledger.writer (
    id bigint PRIMARY KEY,
    epoch integer NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    head bytea NOT NULL,
    open_date date NOT NULL REFERENCES ledger.business_day,
    started_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- One row a wallet: the sealed state and its version. The seal binds id, version and key.
CREATE TABLE ledger.wallet (
    id bigint PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    key_id smallint NOT NULL,
    sealed bytea NOT NULL
) WITH (fillfactor = 70);

-- Each write of a wallet, unique and without gaps: the tripwire for forks, and for an old row put back.
CREATE TABLE ledger.wallet_event (
    wallet_id bigint NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    business_date date NOT NULL,
    transaction_id bigint NOT NULL,
    PRIMARY KEY (wallet_id, version)
);

-- What each request was answered, by the key under which it is done once. Never partitioned by date: a repeat
-- knows its key, not its day. role: 1 the request's own key, 2 a tombstone at an original's key, 3 an undo key.
CREATE TABLE ledger.dedup (
    key bytea PRIMARY KEY,
    role smallint NOT NULL CHECK (role IN (1, 2, 3)),
    business_date date NOT NULL,
    transaction_id bigint NOT NULL,
    fingerprint bytea NOT NULL,
    outcome smallint NOT NULL,
    result bytea NOT NULL
);

CREATE TABLE ledger.commit_group (
    business_date date NOT NULL,
    writer bigint NOT NULL,
    seq bigint NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    transactions integer NOT NULL,
    fence integer NOT NULL,
    wallets integer NOT NULL,
    swapped integer NOT NULL,
    asserted integer NOT NULL,
    assert_ok integer NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (business_date, writer, seq),
    -- A wrong count aborts the group's statement, and the constraint's name tells the committer why.
    CONSTRAINT group_is_fenced CHECK (fence = 1),
    CONSTRAINT group_swaps_all_wallets CHECK (wallets = swapped),
    CONSTRAINT group_assertions_hold CHECK (asserted = assert_ok)
) PARTITION BY RANGE (business_date);

CREATE TABLE ledger.transaction (
    business_date date NOT NULL,
    id bigint NOT NULL,
    writer bigint NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL,
    outcome smallint NOT NULL,
    asset smallint NOT NULL,
    amount_minor bigint NOT NULL,
    wallet_id bigint,
    wallet_version bigint,
    original_id bigint,
    merchant_account bigint NOT NULL,
    merchant_id text NOT NULL,
    terminal_id text NOT NULL,
    batch text NOT NULL,
    stan text NOT NULL,
    received_at_us bigint NOT NULL,
    PRIMARY KEY (business_date, id)
) PARTITION BY RANGE (business_date);
CREATE INDEX transaction_of_wallet ON ledger.transaction (wallet_id, id);

CREATE TABLE ledger.entry (
    business_date date NOT NULL,
    transaction_id bigint NOT NULL,
    leg smallint NOT NULL,
    account_kind smallint NOT NULL,
    account_id bigint NOT NULL,
    asset smallint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    wallet_version bigint,
    PRIMARY KEY (business_date, transaction_id, leg)
) PARTITION BY RANGE (business_date);

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger.%: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.commit_group
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.transaction
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.entry
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.wallet_event
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.wallet_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
-- Answers expire after their batch, so rows of dedup may be deleted; none may change.
CREATE TRIGGER append_only BEFORE UPDATE ON ledger.dedup
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.dedup
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
-- A wallet is never deleted.
CREATE TRIGGER never_deleted BEFORE DELETE ON ledger.wallet
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.wallet
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Makes the partitions of one business date, with a TRUNCATE guard each; called when a day is opened. They are
-- attached, not created in place: that would lock the whole table against groups that are being written.
CREATE FUNCTION ledger.make_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['commit_group', 'transaction', 'entry'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        IF to_regclass('ledger.' || child) IS NULL THEN
            EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.%I INCLUDING ALL)', child, parent);
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.%I '
                           'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', child);
            EXECUTE format('ALTER TABLE ledger.%I ATTACH PARTITION ledger.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, day, day + 1);
        END IF;
    END LOOP;
END $$;
