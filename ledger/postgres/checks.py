"""What `ledger verify` asks of the books in SQL: a query a check, which returns one text a bad row.

`$1` is the day on which the check stands: it looks at rows of later days, and takes the balances at the end
of that day as given. The first day of all is before every row. Queries that look at single wallets have two
forms: of all wallets, and of those in `$2`.
"""

from typing import Final

from ledger.chart import OF_WALLET, AccountKind
from ledger.identity import REVERSED_KIND, VOIDED_KIND, TransactionKind

_WALLET_KINDS = ", ".join(str(int(kind)) for kind in sorted(OF_WALLET))
_OF_CARDHOLDER = ", ".join(
    str(int(kind))
    for kind in sorted((OF_WALLET | {AccountKind.CARDHOLDER_RECEIVABLE}) - {AccountKind.HELD_WALLET})
)
_UNDOING = ", ".join(str(int(kind)) for kind in sorted({*REVERSED_KIND, *VOIDED_KIND}))
_REQUESTS = ", ".join(
    str(int(kind))
    for kind in (
        TransactionKind.PURCHASE,
        TransactionKind.PREAUTH,
        TransactionKind.PREAUTH_INCREMENT,
        TransactionKind.COMPLETION,
        TransactionKind.TOP_UP,
        TransactionKind.TRANSFER,
        TransactionKind.POINTS_EARN,
        TransactionKind.POINTS_SPEND,
    )
)
_RECEIVABLE = int(AccountKind.CARDHOLDER_RECEIVABLE)
_BREAKAGE = int(AccountKind.BREAKAGE)

# An original with all that refers to it, directly or through what did: `part`. What that has moved in all on
# the side of a cardholder, wallet and debt as one, or of a hold, and what of it the original posted itself:
# `net`.
_FAMILIES = f"""
        WITH RECURSIVE link AS MATERIALIZED (
            SELECT id, original_id, kind FROM ledger.transaction
             WHERE business_date > $1 AND original_id IS NOT NULL AND outcome = 0),
        part AS (
            SELECT DISTINCT t.id AS original_id, t.id FROM link l
              JOIN ledger.transaction t ON t.id = l.original_id AND t.business_date > $1
            UNION ALL
            SELECT p.original_id, l.id FROM part p JOIN link l ON l.original_id = p.id),
        moved AS MATERIALIZED (
            SELECT p.original_id, p.id, e.account_kind, e.account_id, e.asset, e.amount_minor
              FROM part p JOIN ledger.entry e ON e.transaction_id = p.id AND e.business_date > $1),
        undone AS (
            SELECT DISTINCT u.original_id FROM link u
              JOIN moved m ON m.original_id = u.original_id AND m.id = u.id
             WHERE u.kind IN ({_UNDOING})
               AND NOT EXISTS (SELECT FROM moved later WHERE later.original_id = u.id AND later.id <>
               u.id))"""

CHECKS: Final = {
    "legs of a transaction sum to zero in each layer": """
        SELECT 'transaction ' || transaction_id || ', asset ' || asset
               || CASE WHEN held THEN ' held: ' ELSE ': ' END || sum(amount_minor)
          FROM (SELECT *, account_kind > 100 AS held FROM ledger.entry WHERE business_date > $1) e
         GROUP BY business_date, transaction_id, asset, held HAVING sum(amount_minor) <> 0""",
    "every entry has its transaction, approved": """
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          LEFT JOIN ledger.transaction t
                 ON t.business_date = e.business_date AND t.id = e.transaction_id AND t.business_date > $1
         WHERE e.business_date > $1 AND (t.id IS NULL OR t.outcome <> 0)""",
    "every transaction is in a commit group": """
        SELECT 'transaction ' || t.id FROM ledger.transaction t
          LEFT JOIN ledger.commit_group g ON g.business_date = t.business_date AND g.writer = t.writer
                AND g.seq = t.seq AND g.business_date > $1
         WHERE t.business_date > $1 AND g.seq IS NULL""",
    "every entry of a wallet has its event": f"""
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          LEFT JOIN ledger.wallet_event v ON v.wallet_id = e.account_id AND v.version = e.wallet_version
                AND v.transaction_id = e.transaction_id
         WHERE e.business_date > $1 AND e.account_kind IN ({_WALLET_KINDS}) AND v.wallet_id IS NULL""",
    "every event has its transaction": f"""
        SELECT 'event of wallet ' || v.wallet_id || ', version ' || v.version FROM ledger.wallet_event v
          LEFT JOIN ledger.transaction t
                 ON t.business_date = v.business_date AND t.id = v.transaction_id AND t.business_date > $1
         WHERE v.business_date > $1
           AND (t.id IS NULL
                OR t.kind <> {int(TransactionKind.WALLET_OPENING)}
                   AND ((t.wallet_id, t.wallet_version) = (v.wallet_id, v.version)) IS NOT TRUE AND
                   ((t.other_wallet_id, t.other_wallet_version) = (v.wallet_id, v.version)) IS NOT TRUE)""",
    "nothing is given back beyond what was taken": f"""{_FAMILIES}
        SELECT DISTINCT 'original ' || original_id FROM (
            SELECT original_id, sum(amount_minor) AS net,
                   sum(amount_minor) FILTER (WHERE id = original_id) AS posted
              FROM moved WHERE account_kind IN ({_OF_CARDHOLDER}) OR account_kind > 100
             GROUP BY original_id, CASE WHEN account_kind > 100 THEN account_kind END, account_id, asset) n
         WHERE sign(net) * sign(posted) < 0""",
    "what is taken back is taken back whole": f"""{_FAMILIES}
        SELECT DISTINCT 'original ' || original_id FROM moved JOIN undone USING (original_id)
         WHERE account_kind < 100
         GROUP BY original_id, asset,
                  CASE WHEN account_kind NOT IN ({_OF_CARDHOLDER}, {_BREAKAGE}) THEN account_kind END,
                  CASE WHEN account_kind NOT IN ({_OF_CARDHOLDER}, {_BREAKAGE}) THEN account_id END
        HAVING sum(amount_minor) <> 0""",
    "nothing is owed for what stays taken back": f"""{_FAMILIES}
        SELECT DISTINCT 'original ' || original_id FROM moved JOIN undone USING (original_id)
         WHERE account_kind IN ({_OF_CARDHOLDER})
         GROUP BY original_id, account_id, asset
        HAVING sum(amount_minor) FILTER (WHERE account_kind = {_RECEIVABLE}) <> 0
           AND sum(amount_minor) FILTER (WHERE id = original_id) < 0""",
    "a request makes nobody owe": f"""
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
         WHERE e.business_date > $1 AND t.business_date > $1
           AND e.account_kind = {_RECEIVABLE} AND e.amount_minor < 0 AND t.kind IN ({_REQUESTS})""",
    "a duplicate key leads to its transaction": """
        SELECT 'key ' || encode(d.key, 'hex') FROM ledger.dedup d
          LEFT JOIN ledger.transaction t
                 ON t.business_date = d.business_date AND t.id = d.transaction_id AND t.business_date > $1
         WHERE d.business_date > $1 AND (t.id IS NULL OR t.outcome <> d.outcome)""",
    "a writer stands where its last group stands": """
        SELECT 'writer ' || coalesce(w.id, g.writer) FROM ledger.writer w FULL JOIN
               (SELECT DISTINCT ON (writer) writer, seq, hash FROM ledger.commit_group
                 WHERE business_date > $1 ORDER BY writer, seq DESC) g ON g.writer = w.id
         WHERE (w.seq, w.head) IS DISTINCT FROM (
                   coalesce(g.seq, CASE WHEN $1 = '0001-01-01' THEN 0 ELSE w.seq END),
                   coalesce(g.hash, w.head))""",
    "a sealed day's balances are the sums of its entries": """
        WITH moved AS (
            SELECT e.account_kind, e.account_id, t.issuer, e.asset, e.purse, e.expires, e.business_date,
                   sum(e.amount_minor) AS moved, count(*) AS entries
              FROM ledger.entry e
              JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
             WHERE e.business_date > $1 AND t.business_date > $1
               AND e.business_date <= (SELECT max(business_date) FROM ledger.day_seal)
             GROUP BY 1, 2, 3, 4, 5, 6, 7),
        running AS (
            SELECT account_kind, account_id, issuer, asset, purse, expires, business_date,
                   sum(moved) OVER account AS balance_minor, sum(entries) OVER account AS entries
              FROM moved
            WINDOW account AS (PARTITION BY account_kind, account_id, issuer, asset, purse, expires
                               ORDER BY business_date)),
        expected AS (
            SELECT r.account_kind, r.account_id, r.issuer, r.asset, r.purse, r.expires, r.business_date,
                   r.balance_minor + coalesce(b.balance_minor, 0) AS balance_minor,
                   r.entries + coalesce(b.entries, 0) AS entries
              FROM running r LEFT JOIN LATERAL
                   (SELECT b.balance_minor, b.entries FROM ledger.account_balance b
                     WHERE (b.account_kind, b.account_id, b.issuer, b.asset, b.purse, b.expires)
                         = (r.account_kind, r.account_id, r.issuer, r.asset, r.purse, r.expires)
                       AND b.business_date <= $1 AND $1 > '0001-01-01'
                     ORDER BY b.business_date DESC LIMIT 1) b ON true)
        SELECT 'balance of ' || k.name || ' ' || account_id || ', ' || business_date
          FROM (SELECT * FROM ledger.account_balance WHERE business_date > $1) b
          FULL JOIN expected x USING (account_kind, account_id, issuer, asset, purse, expires, business_date)
          JOIN ledger.account_kind k ON k.id = account_kind
         WHERE (b.balance_minor, b.entries) IS DISTINCT FROM (x.balance_minor::bigint, x.entries::bigint)""",
}

GAPS: Final = "events of a wallet have no gap"
GAPS_OF_ALL: Final = """
SELECT 'wallet ' || wallet_id FROM ledger.wallet_event
 GROUP BY wallet_id HAVING min(version) <> 1 OR max(version) <> count(*)"""
GAPS_OF_SOME: Final = """
SELECT 'wallet ' || id FROM unnest($1::bigint[]) AS w (id) JOIN ledger.wallet_event v ON v.wallet_id = w.id
 GROUP BY id HAVING min(version) <> 1 OR max(version) <> count(*)"""

NEWEST: Final = "a wallet's version is its newest event's"
NEWEST_OF_ALL: Final = """
SELECT 'wallet ' || coalesce(w.id, v.wallet_id) || ': version ' || coalesce(w.version::text, 'none')
       || ', newest event ' || coalesce(v.newest::text, 'none')
  FROM ledger.wallet w FULL JOIN
       (SELECT wallet_id, max(version) AS newest FROM ledger.wallet_event GROUP BY wallet_id) v
       ON v.wallet_id = w.id
 WHERE w.version IS DISTINCT FROM v.newest"""

SEALS: Final = "seals open and equal the journal"

# The lots of each wallet by the journal: what was sealed up to a day, and what moved since. Their bytes are
# those of `verify._LOT`, in no order.
_LOTS = f"""
SELECT w.id, w.version, w.key_id, w.sealed, coalesce(l.lots, '') AS lots
  FROM {{wallets}} LEFT JOIN
       (SELECT account_id, string_agg(int2send(purse) || int4send(expires) || int8send(balance) ||
       int8send(held),
                                      '') AS lots
          FROM (SELECT account_id, purse, expires,
                       coalesce(sum(amount_minor) FILTER (WHERE account_kind < 100), 0)::bigint AS balance,
                       coalesce(-sum(amount_minor) FILTER (WHERE account_kind > 100), 0)::bigint AS held
                  FROM (SELECT account_kind, account_id, purse, expires, amount_minor FROM ledger.entry
                         WHERE business_date > $1 AND account_kind IN ({_WALLET_KINDS}) {{chosen}}
                        UNION ALL
                        (SELECT DISTINCT ON (account_kind, account_id, issuer, asset, purse, expires)
                                account_kind, account_id, purse, expires, balance_minor
                           FROM ledger.account_balance
                          WHERE business_date <= $1 AND account_kind IN ({_WALLET_KINDS}) {{chosen}}
                          ORDER BY account_kind, account_id, issuer, asset, purse, expires,
                                   business_date DESC)) m
                 GROUP BY 1, 2, 3) s
         WHERE balance <> 0 OR held <> 0 GROUP BY account_id) l ON l.account_id = w.id"""
LOTS_OF_ALL: Final = _LOTS.format(wallets="ledger.wallet w", chosen="")
LOTS_OF_SOME: Final = _LOTS.format(
    wallets="(SELECT * FROM ledger.wallet WHERE id = ANY($2::bigint[])) w",
    chosen="AND account_id = ANY($2::bigint[])",
)

TOUCHED: Final = f"""
SELECT wallet_id FROM ledger.transaction WHERE business_date > $1 AND wallet_version IS NOT NULL
UNION
SELECT other_wallet_id FROM ledger.transaction WHERE business_date > $1 AND other_wallet_version IS NOT NULL
UNION
SELECT account_id FROM ledger.entry WHERE business_date > $1 AND account_kind IN ({_WALLET_KINDS})
"""
"""The wallets that were written since a day; `wallet_event` has no index by day."""
