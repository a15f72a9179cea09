-- The ledger's schema. Portable SQL: no extensions, no ids made by the database on the hot path.
-- The journal (transaction, entry, commit_group) and the wallet events are append-only; triggers hold that.

CREATE SCHEMA ledger;

-- A node takes a new number at every start; it is the upper part of each transaction's number.
CREATE SEQUENCE ledger.node_number MAXVALUE 16777215;

-- What the numbers in the journal mean, for readers of SQL. Equal to the program's enumerations by a test.
CREATE TABLE ledger.asset (id smallint PRIMARY KEY, code text NOT NULL UNIQUE, scale smallint NOT NULL);
INSERT INTO ledger.asset VALUES (156, 'CNY', 2);

CREATE TABLE ledger.account_kind (
    id smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    -- Each layer balances by itself: what has moved, and what is only held.
    layer text NOT NULL GENERATED ALWAYS AS (CASE WHEN id > 100 THEN 'HELD' ELSE 'POSTED' END) STORED
);
INSERT INTO ledger.account_kind (id, name) VALUES
    (1, 'WALLET_CASH'), (2, 'MERCHANT_PAYABLE'), (3, 'PROGRAMME_FUNDING'), (4, 'CARDHOLDER_RECEIVABLE'),
    (5, 'WALLET_SPECIAL'), (6, 'WALLET_BONUS'), (7, 'WALLET_POINTS'), (8, 'AGENT_FLOAT'), (9, 'AGENT_PAYABLE'),
    (10, 'PARTNER_CLEARING'), (11, 'FEE_INCOME'), (12, 'COMMISSION'), (13, 'POINTS_EXPENSE'), (14, 'BREAKAGE'),
    (15, 'IN_TRANSIT'), (16, 'SUSPENSE'), (17, 'PAYOUT'), (101, 'HELD_WALLET'), (102, 'HELD_MERCHANT');

CREATE TABLE ledger.transaction_kind (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ledger.transaction_kind VALUES
    (1, 'PURCHASE'), (2, 'BALANCE_INQUIRY'), (3, 'PURCHASE_REVERSAL'), (4, 'PURCHASE_VOID'),
    (5, 'PURCHASE_VOID_REVERSAL'), (6, 'REFUND'),
    (10, 'PREAUTH'), (11, 'PREAUTH_REVERSAL'), (12, 'PREAUTH_VOID'), (13, 'PREAUTH_VOID_REVERSAL'),
    (14, 'PREAUTH_INCREMENT'), (15, 'PREAUTH_INCREMENT_REVERSAL'),
    (20, 'COMPLETION'), (21, 'COMPLETION_REVERSAL'), (22, 'COMPLETION_VOID'), (23, 'COMPLETION_VOID_REVERSAL'),
    (24, 'COMPLETION_ADVICE'), (25, 'HOLD_EXPIRY'), (30, 'OFFLINE_SALE'), (31, 'TIP_ADVICE'),
    (40, 'TOP_UP'), (41, 'TOP_UP_REVERSAL'), (42, 'TOP_UP_VOID'), (43, 'TOP_UP_VOID_REVERSAL'),
    (44, 'TOP_UP_VERIFY'), (45, 'TOP_UP_CONFIRM'), (50, 'TRANSFER'), (51, 'TRANSFER_REVERSAL'),
    (60, 'POINTS_EARN'), (61, 'POINTS_SPEND'), (62, 'POINTS_RETURN'), (63, 'POINTS_ADJUSTMENT'),
    (64, 'POINTS_INQUIRY'), (65, 'POINTS_SPEND_REVERSAL'), (66, 'POINTS_SPEND_VOID'),
    (67, 'POINTS_SPEND_VOID_REVERSAL'), (70, 'SERVICE_FEE'), (71, 'OPERATOR_DEBIT'), (72, 'ADJUSTMENT'),
    (100, 'WALLET_OPENING'), (101, 'WALLET_FREEZE'), (102, 'WALLET_UNFREEZE'), (103, 'CARD_REPLACEMENT'),
    (104, 'WALLET_CLOSING'), (105, 'LOT_EXPIRY'), (106, 'GRADE_CHANGE');

CREATE TABLE ledger.outcome (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO ledger.outcome VALUES
    (0, 'APPROVED'), (10, 'TERMINAL_UNKNOWN'), (11, 'MALFORMED'), (12, 'MAC_WRONG'), (13, 'MERCHANT_INVALID'),
    (14, 'TERMINAL_NOT_PERMITTED'), (15, 'BATCH_NOT_OPEN'), (16, 'FUNCTION_NOT_SUPPORTED'),
    (20, 'DUPLICATE_DIFFERS'), (21, 'RELATED_TRANSACTION_WRONG'), (22, 'ORIGINAL_NOT_FOUND'),
    (23, 'ORIGINAL_AMOUNT_DIFFERS'), (24, 'RELATED_TRANSACTION_INVALID'), (30, 'CARD_RANGE_UNKNOWN'),
    (31, 'NO_ROUTE'), (40, 'CARD_UNKNOWN'), (41, 'CARD_DIFFERS'), (42, 'CARD_INACTIVE'), (43, 'CARD_LOST'),
    (44, 'CARD_STOLEN'), (45, 'CARD_EXPIRED'), (46, 'CARD_RESTRICTED'), (47, 'SERVICE_NOT_ALLOWED'),
    (50, 'PIN_UNREADABLE'), (51, 'PIN_MISSING'), (52, 'PIN_TRIES_EXCEEDED'), (53, 'PIN_WRONG'),
    (60, 'AMOUNT_INVALID'), (61, 'AMOUNT_OVER_LIMIT'), (62, 'COUNT_OVER_LIMIT'), (63, 'INSUFFICIENT_FUNDS'),
    (90, 'SYSTEM_MALFUNCTION'), (91, 'WALLET_QUARANTINED');

-- The ledger's days. Exactly one is open; a message's own dates never matter.
CREATE TABLE ledger.business_day (
    business_date date PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE UNIQUE INDEX business_day_one_open ON ledger.business_day ((true)) WHERE closed_at IS NULL;

-- A closed day, sealed: a hash over the seal before it, the hashes of its commit groups, and the balances at its
-- end. Days are sealed in order. detached_at: since when its partitions are no longer part of the journal.
CREATE TABLE ledger.day_seal (
    business_date date PRIMARY KEY REFERENCES ledger.business_day,
    groups bigint NOT NULL,
    transactions bigint NOT NULL,
    entries bigint NOT NULL,
    seal bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    detached_at timestamptz
);

-- Balances at the end of a sealed day: a row for each account (of a wallet: each lot) that moved on that day, with
-- the sum and the number of all its entries since the first day. An account stands as its newest row says.
CREATE TABLE ledger.account_balance (
    account_kind smallint NOT NULL,
    account_id bigint NOT NULL,
    issuer integer NOT NULL,
    asset smallint NOT NULL,
    purse smallint NOT NULL,
    expires integer NOT NULL,
    business_date date NOT NULL REFERENCES ledger.business_day,
    balance_minor bigint NOT NULL,
    entries bigint NOT NULL,
    PRIMARY KEY (account_kind, account_id, issuer, asset, purse, expires, business_date)
);
CREATE INDEX account_balance_of_day ON ledger.account_balance (business_date);
CREATE INDEX account_balance_that_expires ON ledger.account_balance (expires, account_id) WHERE expires > 0;

-- How far the run that lets holds (transaction kind 25) or lots (105) lapse has come: all whose last good day is
-- this one or before have been seen to. Days are proleptic ordinals: date '0001-01-01' + (through - 1).
CREATE TABLE ledger.expiry_run (kind smallint PRIMARY KEY, through integer NOT NULL);

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
-- knows its key, not its day. role: 1 the request's own key, 2 a tombstone at an original's key, 3 one of an
-- original's change keys. result: what was answered, and how what was changed stands since (dedup.py packs it).
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
    issuer integer NOT NULL,
    wallet_id bigint,
    wallet_version bigint,
    -- The second wallet that took part: a transfer's target, an agent's float.
    other_wallet_id bigint,
    other_wallet_version bigint,
    original_id bigint,
    -- On a pre-authorisation the last good day of its hold, a proleptic ordinal; 0 on all others.
    hold_until integer NOT NULL,
    merchant_account bigint NOT NULL,
    merchant_id text NOT NULL,
    terminal_id text NOT NULL,
    batch text NOT NULL,
    stan text NOT NULL,
    -- The two operators of a manual movement; empty on all others.
    proposer text NOT NULL,
    approver text NOT NULL,
    received_at_us bigint NOT NULL,
    PRIMARY KEY (business_date, id)
) PARTITION BY RANGE (business_date);
CREATE INDEX transaction_of_wallet ON ledger.transaction (wallet_id, id);
CREATE INDEX transaction_of_other_wallet ON ledger.transaction (other_wallet_id, id)
    WHERE other_wallet_id IS NOT NULL;
CREATE INDEX transaction_with_hold ON ledger.transaction (hold_until) WHERE hold_until > 0;

CREATE TABLE ledger.entry (
    business_date date NOT NULL,
    transaction_id bigint NOT NULL,
    leg smallint NOT NULL,
    account_kind smallint NOT NULL,
    account_id bigint NOT NULL,
    asset smallint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    -- The lot, on a wallet's accounts: its purse, and its last good day (a proleptic ordinal; 0: it has none).
    purse smallint NOT NULL,
    expires integer NOT NULL,
    wallet_version bigint,
    PRIMARY KEY (business_date, transaction_id, leg)
) PARTITION BY RANGE (business_date);
CREATE INDEX entry_that_expires ON ledger.entry (expires, account_id) WHERE expires > 0;

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
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.account_balance
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.account_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF business_date, groups, transactions, entries, seal
    ON ledger.day_seal FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.day_seal
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

-- Makes the partitions of one business date, with a TRUNCATE guard each; called for days ahead. They are attached,
-- not created in place: that would lock the whole table against groups that are being written.
CREATE FUNCTION ledger.make_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    -- One at a time; groups that are being written take no lock that this one waits for.
    LOCK TABLE ledger.business_day IN SHARE UPDATE EXCLUSIVE MODE;
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

-- Takes the partitions of one business date out of the journal. They stay as tables of their own, to be archived;
-- what referred to the day's rows is answered by its balances.
CREATE FUNCTION ledger.detach_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['entry', 'transaction', 'commit_group'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        EXECUTE format('ALTER TABLE ledger.%I DETACH PARTITION ledger.%I', parent, child);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.%I '
                       'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', child);
    END LOOP;
END $$;
