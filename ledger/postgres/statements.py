"""The SQL of the committer, one constant a statement, each with its reason.

Rows travel as array literals, one text a column (`columns`), and are cast to arrays here.

The group is one autocommit statement. Its parts are forced into one order by data dependency (each reads a
count of the one before): writer row, wallets by id, commit group, duplicate keys in order, journal. Sibling
CTEs run in any order otherwise, which brings deadlocks between nodes and tripwires that mean nothing. The
session settings keep PostgreSQL from sorting the wallets differently than they were sent.
"""

# What is acknowledged is on disk, and each statement sees what is committed, whatever the server's defaults.
# A node that dies while it decides under row locks must not keep other nodes from these wallets.
SESSION = """
SET synchronous_commit = on; SET default_transaction_isolation = 'read committed';
SET idle_in_transaction_session_timeout = '10s';
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan; SET jit = off
"""

OPEN_DAY = "SELECT business_date FROM ledger.business_day WHERE closed_at IS NULL"

FIRST_DAY = """
INSERT INTO ledger.business_day (business_date)
SELECT $1 WHERE NOT EXISTS (SELECT FROM ledger.business_day) ON CONFLICT DO NOTHING
"""

MAKE_PARTITIONS = "SELECT ledger.make_partitions($1)"

# ---- the cutover: the day first, then every writer in the order of the ids, as everywhere

CLOSE_DAY = """
UPDATE ledger.business_day SET closed_at = now() WHERE business_date = $1 AND closed_at IS NULL
RETURNING business_date
"""

OPEN_NEXT_DAY = "INSERT INTO ledger.business_day (business_date) VALUES ($1)"

MOVE_WRITERS = """
UPDATE ledger.writer w SET open_date = $1, epoch = epoch + 1
  FROM (SELECT id FROM ledger.writer ORDER BY id FOR UPDATE) o WHERE w.id = o.id
"""

# ---- sealing a closed day, and taking it out of the journal

CLOSED_UNSEALED = """
SELECT d.business_date FROM ledger.business_day d LEFT JOIN ledger.day_seal s USING (business_date)
 WHERE d.closed_at IS NOT NULL AND s.business_date IS NULL ORDER BY 1
"""

LOCK_DAY = "SELECT FROM ledger.business_day WHERE business_date = $1 FOR UPDATE"

SEAL_BEFORE = """
SELECT seal FROM ledger.day_seal WHERE business_date < $1 ORDER BY business_date DESC LIMIT 1
"""

IS_SEALED = "SELECT EXISTS (SELECT FROM ledger.day_seal WHERE business_date = $1)"

# All is read, and sorted, before the first row is written: a plan that scans the table would else scan its
# own rows.
WRITE_BALANCES = """
INSERT INTO ledger.account_balance (account_kind, account_id, issuer, asset, purse, expires, business_date,
                                    balance_minor, entries)
SELECT m.account_kind, m.account_id, m.issuer, m.asset, m.purse, m.expires, $1,
       m.moved + coalesce(b.balance_minor, 0), m.entries + coalesce(b.entries, 0)
  FROM (SELECT e.account_kind, e.account_id, t.issuer, e.asset, e.purse, e.expires,
               sum(e.amount_minor)::bigint AS moved, count(*) AS entries
          FROM ledger.entry e JOIN ledger.transaction t ON t.id = e.transaction_id
         WHERE e.business_date = $1 AND t.business_date = $1 GROUP BY 1, 2, 3, 4, 5, 6) m
  LEFT JOIN LATERAL
       (SELECT b.balance_minor, b.entries FROM ledger.account_balance b
         WHERE (b.account_kind, b.account_id, b.issuer, b.asset, b.purse, b.expires)
             = (m.account_kind, m.account_id, m.issuer, m.asset, m.purse, m.expires)
           AND b.business_date < $1 ORDER BY b.business_date DESC LIMIT 1) b ON true
 ORDER BY 1, 2, 3, 4, 5, 6
"""

BALANCE_BYTES = """
SELECT string_agg(int2send(account_kind) || int8send(account_id) || int4send(issuer) || int2send(asset)
                  || int2send(purse) || int4send(expires) || int8send(balance_minor) || int8send(entries),
                  '' ORDER BY account_kind, account_id, issuer, asset, purse, expires)
  FROM ledger.account_balance WHERE business_date = $1
 GROUP BY account_kind, account_id >> 10 ORDER BY account_kind, account_id >> 10
"""

GROUP_BYTES = """
SELECT string_agg(int8send(writer) || int8send(seq) || hash, '' ORDER BY seq) FROM ledger.commit_group
 WHERE business_date = $1 GROUP BY writer, seq >> 10 ORDER BY writer, seq >> 10
"""

DAY_COUNTS = """
SELECT count(*), coalesce(sum(transactions), 0)::bigint,
       (SELECT count(*) FROM ledger.entry WHERE business_date = $1)
  FROM ledger.commit_group WHERE business_date = $1
"""

WRITE_SEAL = """
INSERT INTO ledger.day_seal (business_date, groups, transactions, entries, seal) VALUES ($1, $2, $3, $4, $5)
"""

SEALS_FROM = """
SELECT business_date, seal, detached_at IS NOT NULL FROM ledger.day_seal
 WHERE business_date >= $1 ORDER BY business_date
"""

NEWEST_DETACHED = "SELECT max(business_date) FROM ledger.day_seal WHERE detached_at IS NOT NULL"

ATTACHED_DAYS = """
SELECT d.business_date FROM ledger.business_day d LEFT JOIN ledger.day_seal s USING (business_date)
 WHERE d.business_date <= $1 AND s.detached_at IS NULL ORDER BY 1
"""

# A hold lapses by its row in the journal, so that row has to stay until the run has seen to it.
HAS_HOLDS = """
SELECT EXISTS (SELECT FROM ledger.transaction WHERE business_date = $1 AND hold_until >
               coalesce((SELECT through FROM ledger.expiry_run WHERE kind = 25), 0))
"""

FORGET_ANSWERS = "DELETE FROM ledger.dedup WHERE business_date = $1"

DETACH_PARTITIONS = "SELECT ledger.detach_partitions($1)"

NOTE_DETACHED = "UPDATE ledger.day_seal SET detached_at = now() WHERE business_date = $1"

# ---- the run that lets holds and lots lapse

EXPIRED_THROUGH = "SELECT through FROM ledger.expiry_run WHERE kind = $1"

NOTE_EXPIRED = """
INSERT INTO ledger.expiry_run AS r (kind, through) VALUES ($1, $2)
ON CONFLICT (kind) DO UPDATE SET through = greatest(r.through, excluded.through)
"""

LAPSED_HOLDS = """
SELECT id, wallet_id, asset, issuer, merchant_id, terminal_id, batch, stan FROM ledger.transaction
 WHERE hold_until > $1 AND hold_until < $2 AND hold_until > 0 AND outcome = 0 ORDER BY hold_until, id
"""

# Of lots, those that have something left: their balance by the newest sealed day, and what moved since.
LAPSED_LOTS = """
WITH sealed AS (SELECT coalesce(max(business_date), '-infinity') AS through FROM ledger.day_seal),
moved AS (
    SELECT account_kind, account_id, issuer, asset, purse, expires, balance_minor AS amount_minor
      FROM (SELECT DISTINCT ON (account_kind, account_id, issuer, asset, purse, expires) *
              FROM ledger.account_balance
             WHERE expires > 0 AND expires > $1 AND expires < $2 AND account_kind < 100
             ORDER BY account_kind, account_id, issuer, asset, purse, expires, business_date DESC) b
    UNION ALL
    SELECT e.account_kind, e.account_id, t.issuer, e.asset, e.purse, e.expires, e.amount_minor
      FROM sealed, ledger.entry e
      JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
     WHERE e.business_date > sealed.through
       AND e.expires > 0 AND e.expires > $1 AND e.expires < $2 AND e.account_kind < 100)
SELECT account_kind, account_id, max(issuer), asset, purse, expires FROM moved
 GROUP BY account_kind, account_id, asset, purse, expires HAVING sum(amount_minor) > 0
 ORDER BY expires, account_id, purse
"""

# ---- lanes

NODE_NUMBER = "SELECT nextval('ledger.node_number')"

# The share lock keeps the day open until the writer is there for its closing to move on. A day that is being
# closed is waited for, and then no row comes back.
OPEN_WRITER = """
INSERT INTO ledger.writer (id, head, open_date)
SELECT $1, $2, business_date FROM ledger.business_day WHERE closed_at IS NULL FOR SHARE
RETURNING epoch, seq, head, open_date
"""

READ_WRITER = "SELECT epoch, seq, head, open_date FROM ledger.writer WHERE id = $1"

LOCK_WRITER = READ_WRITER + " FOR UPDATE"

# Moving the epoch on waits for a statement that still holds the row, and fences one that comes later:
# what is read here is final.
RESOLVE_WRITER = """
UPDATE ledger.writer SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch, seq, head, open_date
"""

PROBE = """
SELECT key, role, transaction_id, fingerprint, outcome, result, business_date
  FROM ledger.dedup WHERE key = ANY($1::text::bytea[])
"""

# The columns of `TransactionRow` and of `Leg`; the program reads them by position.
ORIGINALS = """
SELECT t.business_date, t.id, t.kind, t.outcome, t.asset, t.amount_minor, t.issuer, t.wallet_id,
       t.wallet_version, t.other_wallet_id, t.other_wallet_version, t.original_id, t.hold_until,
       t.merchant_account, t.merchant_id, t.terminal_id, t.batch, t.stan, t.proposer, t.approver,
       t.received_at_us
  FROM unnest($1::date[], $2::bigint[]) AS o (business_date, id)
  JOIN ledger.transaction t ON t.business_date = o.business_date AND t.id = o.id
"""

ORIGINAL_LEGS = """
SELECT e.transaction_id, e.account_kind, e.account_id, e.asset, e.amount_minor, e.purse, e.expires
  FROM unnest($1::date[], $2::bigint[]) AS o (business_date, id)
  JOIN ledger.entry e ON e.business_date = o.business_date AND e.transaction_id = o.id
 ORDER BY e.transaction_id, e.leg
"""

# A seal can't tell that a whole old row was put back; the newest event can.
LOAD_WALLETS = """
SELECT w.id, w.version, w.key_id, w.sealed,
       (SELECT max(e.version) FROM ledger.wallet_event e WHERE e.wallet_id = w.id) AS newest
  FROM ledger.wallet w WHERE w.id = ANY($1::bigint[])
"""

LOCK_WALLETS = "SELECT id FROM ledger.wallet WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

COMMIT_GROUP = """
WITH fence AS (
    UPDATE ledger.writer SET seq = $2, head = $5
     WHERE id = $1 AND seq = $2 - 1 AND epoch = $3 AND open_date = $6
    RETURNING id),
fenced AS (SELECT count(*)::int AS n FROM fence),
wanted AS (
    SELECT w.* FROM fenced, unnest($8::text::bigint[], $9::text::bigint[], $10::text::bigint[],
        $11::text::smallint[], $12::text::bytea[]) AS w (id, expected, version, key_id, sealed)
     WHERE fenced.n >= 0),
swap AS (
    UPDATE ledger.wallet o SET version = w.version, key_id = w.key_id, sealed = w.sealed
      FROM wanted w WHERE o.id = w.id AND o.version = w.expected
    RETURNING o.id),
swapped AS (SELECT count(*)::int AS n FROM swap),
assertion AS (
    SELECT count(o.id)::int AS n
      FROM swapped, unnest($13::text::bigint[], $14::text::bigint[]) AS a (id, version)
      JOIN ledger.wallet o ON o.id = a.id AND o.version = a.version
     WHERE swapped.n >= 0),
grouped AS (
    INSERT INTO ledger.commit_group (business_date, writer, seq, previous_hash, hash, transactions, fence,
                                     wallets, swapped, asserted, assert_ok)
    SELECT $6, $1, $2, $4, $5, $7, fenced.n,
           cardinality($8::text::bigint[]), swapped.n, cardinality($13::text::bigint[]), assertion.n
      FROM fenced, swapped, assertion
    RETURNING seq),
recorded AS (SELECT count(*)::int AS n FROM grouped),
keyed AS (
    INSERT INTO ledger.dedup (key, role, business_date, transaction_id, fingerprint, outcome, result)
    SELECT d.key, d.role, $6, d.transaction_id, d.fingerprint, d.outcome, d.result
      FROM recorded, unnest($15::text::bytea[], $16::text::smallint[], $17::text::bigint[],
          $18::text::bytea[], $19::text::smallint[], $20::text::bytea[])
          AS d (key, role, transaction_id, fingerprint, outcome, result)
     WHERE recorded.n = 1
    RETURNING 1),
deduped AS (SELECT count(*)::int AS n FROM keyed),
journal AS (
    INSERT INTO ledger.transaction (business_date, writer, seq, id, kind, outcome, asset, amount_minor,
        issuer, wallet_id, wallet_version, other_wallet_id, other_wallet_version, original_id, hold_until,
        merchant_account, merchant_id, terminal_id, batch, stan, proposer, approver, received_at_us)
    SELECT $6, $1, $2, t.*
      FROM deduped, unnest($21::text::bigint[], $22::text::smallint[], $23::text::smallint[],
          $24::text::smallint[], $25::text::bigint[], $26::text::integer[], $27::text::bigint[],
          $28::text::bigint[], $29::text::bigint[], $30::text::bigint[], $31::text::bigint[],
          $32::text::integer[], $33::text::bigint[], $34::text::text[], $35::text::text[], $36::text::text[],
          $37::text::text[], $38::text::text[], $39::text::text[], $40::text::bigint[])
          AS t (id, kind, outcome, asset, amount_minor, issuer, wallet_id, wallet_version, other_wallet_id,
                other_wallet_version, original_id, hold_until, merchant_account, merchant_id, terminal_id,
                batch, stan, proposer, approver, received_at_us)
     WHERE deduped.n >= 0
    RETURNING 1),
journaled AS (SELECT count(*)::int AS n FROM journal),
events AS (
    INSERT INTO ledger.wallet_event (wallet_id, version, business_date, transaction_id)
    SELECT v.wallet_id, v.version, $6, v.transaction_id
      FROM journaled, unnest($41::text::bigint[], $42::text::bigint[], $43::text::bigint[])
          AS v (wallet_id, version, transaction_id)
     WHERE journaled.n >= 0
    RETURNING 1),
evented AS (SELECT count(*)::int AS n FROM events)
INSERT INTO ledger.entry (business_date, transaction_id, leg, account_kind, account_id, asset, amount_minor,
                          purse, expires, wallet_version)
SELECT $6, e.*
  FROM evented, unnest($44::text::bigint[], $45::text::smallint[], $46::text::smallint[],
                       $47::text::bigint[], $48::text::smallint[], $49::text::bigint[],
                       $50::text::smallint[], $51::text::integer[], $52::text::bigint[])
      AS e (transaction_id, leg, account_kind, account_id, asset, amount_minor, purse, expires,
            wallet_version)
 WHERE evented.n >= 0
"""

# The same steps one by one, for wallets opened in bulk inside a longer transaction.
ADVANCE_WRITER = """
UPDATE ledger.writer SET seq = $2, head = $4
 WHERE id = $1 AND seq = $2 - 1 AND epoch = $3 AND open_date = $5
"""

INSERT_GROUP = """
INSERT INTO ledger.commit_group (business_date, writer, seq, previous_hash, hash, transactions, fence,
                                 wallets, swapped, asserted, assert_ok)
VALUES ($1, $2, $3, $4, $5, 1, 1, $6, $6, 0, 0)
"""

INSERT_TRANSACTION = """
INSERT INTO ledger.transaction (business_date, writer, seq, id, kind, outcome, asset, amount_minor, issuer,
    wallet_id, wallet_version, other_wallet_id, other_wallet_version, original_id, hold_until,
    merchant_account, merchant_id, terminal_id, batch, stan, proposer, approver, received_at_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23)
"""
