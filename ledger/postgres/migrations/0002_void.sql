-- Voids: new kinds of transaction, what cardholders owe after the reversal of a void, and the change keys of an
-- original, which are taken in turn by what takes it back and what puts it in force again.

INSERT INTO ledger.account_kind VALUES (4, 'CARDHOLDER_RECEIVABLE');
INSERT INTO ledger.transaction_kind VALUES (4, 'PURCHASE_VOID'), (5, 'PURCHASE_VOID_REVERSAL');
INSERT INTO ledger.outcome VALUES (24, 'RELATED_TRANSACTION_INVALID');

-- role: 1 the request's own key, 2 a tombstone at an original's key; an original's change key taken by 3 a
-- reversal, 4 a void, 5 the reversal of a void. Rows that are there passed the narrower check: no need to read
-- them all again under an exclusive lock.
ALTER TABLE ledger.dedup DROP CONSTRAINT dedup_role_check,
    ADD CONSTRAINT dedup_role_check CHECK (role IN (1, 2, 3, 4, 5)) NOT VALID;
