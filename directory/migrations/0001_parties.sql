-- What the switch knows of the world begins with people: parties, who works for them, what they propose to each
-- other, and the log of what they did. Identifiers are chosen by the client.

CREATE SCHEMA directory;

CREATE TABLE directory.party (
    id        bigint PRIMARY KEY CHECK (id > 0),
    kind      text   NOT NULL CHECK (kind IN ('platform', 'issuer', 'agent', 'merchant', 'partner',
                                              'cardholder')),
    parent_id bigint REFERENCES directory.party,
    lineage   text   NOT NULL UNIQUE,
    code      text   NOT NULL CHECK (code <> ''),
    name      text   NOT NULL CHECK (name <> ''),
    UNIQUE (kind, code),
    CHECK ((parent_id IS NULL) = (kind = 'platform')),
    CHECK (lineage LIKE '%' || id || '.')
);
COMMENT ON TABLE directory.party IS 'Whom records belong to: a tree with the platform as its root';
COMMENT ON COLUMN directory.party.lineage IS 'Ids from the root to this one, a full stop after each';
INSERT INTO directory.party (id, kind, lineage, code, name)
VALUES (1, 'platform', '1.', 'platform', 'Platform');

CREATE TABLE directory.operator (
    id              bigint  PRIMARY KEY CHECK (id > 0),
    name            text    NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_.-]{0,31}$'),
    role            text    NOT NULL,
    party_id        bigint  NOT NULL REFERENCES directory.party,
    state           text    NOT NULL CHECK (state IN ('active', 'locked', 'disabled')),
    password_proof  text    NOT NULL CHECK (password_proof <> ''),
    password_set_us bigint  NOT NULL,
    must_change     boolean NOT NULL,
    failures        integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failed_us       bigint  NOT NULL DEFAULT 0,
    signed_in_us    bigint
);
COMMENT ON COLUMN directory.operator.password_proof IS 'Argon2id in PHC form';
COMMENT ON COLUMN directory.operator.must_change IS 'Somebody else chose the password: it is good for choosing another';
COMMENT ON COLUMN directory.operator.failures IS 'Wrong passwords since the last right one';

CREATE TABLE directory.operator_password (
    operator_id bigint  NOT NULL REFERENCES directory.operator,
    number      integer NOT NULL,
    proof       text    NOT NULL,
    PRIMARY KEY (operator_id, number)
);
COMMENT ON TABLE directory.operator_password IS 'Earlier passwords, which may not come back soon';

CREATE TABLE directory.proposal (
    id          bigint  PRIMARY KEY CHECK (id > 0),
    action      text    NOT NULL,
    kind        text    NOT NULL,
    subject     text    NOT NULL,
    party_id    bigint  NOT NULL REFERENCES directory.party,
    content     text    NOT NULL,
    why         text    NOT NULL,
    proposed_by bigint  NOT NULL REFERENCES directory.operator,
    proposed_us bigint  NOT NULL,
    state       text    NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected')),
    decided_by  bigint  REFERENCES directory.operator,
    decided_us  bigint,
    CONSTRAINT second_operator CHECK (decided_by <> proposed_by OR state = 'rejected'),
    CHECK ((state = 'waiting') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_us IS NULL))
);
COMMENT ON TABLE directory.proposal IS 'What one operator asked for and another has to approve';
COMMENT ON COLUMN directory.proposal.content IS 'Canonical JSON, carried out as it stands';

-- The audit: what was done, by whom, before, after, why. Verify with: cardswitch audit verify
CREATE TABLE directory.audit (
    seq         bigint PRIMARY KEY CHECK (seq > 0),
    at_us       bigint NOT NULL,
    operator_id bigint NOT NULL,
    operator    text   NOT NULL,
    action      text   NOT NULL,
    kind        text   NOT NULL,
    subject     text   NOT NULL,
    party_id    bigint NOT NULL,
    before      text   NOT NULL,
    after       text   NOT NULL,
    why         text   NOT NULL,
    proposal_id bigint,
    previous    bytea  NOT NULL CHECK (octet_length(previous) = 32),
    hash        bytea  NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON COLUMN directory.audit.before IS 'Canonical JSON; null if the subject did not exist';
COMMENT ON COLUMN directory.audit.previous IS 'Hash of the row before; before the first: 32 zero bytes';
COMMENT ON COLUMN directory.audit.hash IS 'SHA-256 of the hash before and all other columns in canonical JSON';
CREATE INDEX audit_of_party ON directory.audit (party_id, seq);
CREATE INDEX audit_of_subject ON directory.audit (kind, subject, seq);

-- Where the audit ends. Locked by whoever appends, so that numbers have no gaps and follow the commits.
CREATE TABLE directory.audit_end (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq      bigint  NOT NULL,
    hash     bytea   NOT NULL
);
INSERT INTO directory.audit_end (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION directory.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'directory.%: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION directory.decide_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'waiting'
       OR (OLD.id, OLD.action, OLD.kind, OLD.subject, OLD.party_id, OLD.content, OLD.why, OLD.proposed_by,
           OLD.proposed_us)
          IS DISTINCT FROM
          (NEW.id, NEW.action, NEW.kind, NEW.subject, NEW.party_id, NEW.content, NEW.why, NEW.proposed_by,
           NEW.proposed_us)
    THEN
        RAISE EXCEPTION 'directory.proposal: only to be decided, and once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER decided_once BEFORE UPDATE ON directory.proposal
    FOR EACH ROW EXECUTE FUNCTION directory.decide_only();
CREATE TRIGGER never_deleted BEFORE DELETE ON directory.proposal
    FOR EACH ROW EXECUTE FUNCTION directory.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON directory.proposal
    FOR EACH STATEMENT EXECUTE FUNCTION directory.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON directory.audit
    FOR EACH ROW EXECUTE FUNCTION directory.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON directory.audit
    FOR EACH STATEMENT EXECUTE FUNCTION directory.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON directory.audit_end
    FOR EACH ROW EXECUTE FUNCTION directory.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON directory.audit_end
    FOR EACH STATEMENT EXECUTE FUNCTION directory.refuse_change();
