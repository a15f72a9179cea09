-- The audit of key operations: one line of canonical JSON a record, chained by hash, never changed; no secrets.
CREATE TABLE hsm.audit (
    seq    bigint PRIMARY KEY CHECK (seq > 0),
    record text   NOT NULL,
    hash   bytea  NOT NULL CHECK (octet_length(hash) = 32)
);

COMMENT ON TABLE hsm.audit IS 'What was done to keys, and by whom. Verify with: cardswitch keys audit verify';
COMMENT ON COLUMN hsm.audit.record IS 'Canonical JSON: keys sorted, no white space, ASCII.';
COMMENT ON COLUMN hsm.audit.hash IS 'SHA-256 of the hash before and this record; before the first: 32 zero bytes.';

-- Where the log ends. Locked by whoever appends, so that records follow each other without gaps.
CREATE TABLE hsm.audit_end (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    size     bigint  NOT NULL,
    hash     bytea   NOT NULL
);
INSERT INTO hsm.audit_end (size, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION hsm.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hsm.%: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hsm.audit
    FOR EACH ROW EXECUTE FUNCTION hsm.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON hsm.audit
    FOR EACH STATEMENT EXECUTE FUNCTION hsm.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON hsm.audit_end
    FOR EACH ROW EXECUTE FUNCTION hsm.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON hsm.audit_end
    FOR EACH STATEMENT EXECUTE FUNCTION hsm.refuse_change();
