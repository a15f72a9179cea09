-- What may be used once: recharge cards, found by the keyed hash of their secrets; payment codes, by their
-- identity; and the serial numbers of DUKPT devices, whose counters only rise.
CREATE TABLE hsm.recharge_card (
    digest    bytea       PRIMARY KEY CHECK (octet_length(digest) = 16),
    serial    text        NOT NULL UNIQUE,
    issued_at timestamptz NOT NULL DEFAULT now(),
    used_by   bigint,
    used_at   timestamptz,
    CHECK ((used_by IS NULL) = (used_at IS NULL))
);

COMMENT ON TABLE hsm.recharge_card IS 'Recharge cards. The secret is nowhere; its keyed hash finds the card.';
COMMENT ON COLUMN hsm.recharge_card.used_by IS 'The transaction that used it; another one never does.';

CREATE TABLE hsm.payment_code (
    code_id    bytea       PRIMARY KEY CHECK (octet_length(code_id) = 12),
    used_by    bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX payment_code_expires ON hsm.payment_code (expires_at);

COMMENT ON TABLE hsm.payment_code IS 'Payment codes that were used; a row is needed no longer than its code lives.';

CREATE TABLE hsm.dukpt_device (
    base_key integer NOT NULL,
    device   bytea   NOT NULL CHECK (octet_length(device) IN (8, 10)),
    counter  bigint  NOT NULL CHECK (counter > 0),
    PRIMARY KEY (base_key, device)
);

COMMENT ON TABLE hsm.dukpt_device IS 'DUKPT devices under a base derivation key, each with the highest counter accepted.';
