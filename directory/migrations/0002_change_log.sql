-- What changed, for the views in memory: each node reads on from the last number it has seen.
-- The head's row is held from the counting until the commit, so that numbers become visible in their order and
-- without gaps: whoever has read number n will never be shown a smaller one. Old rows are dropped; who finds
-- the next number missing forgets all it remembers.

CREATE TABLE directory.change_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number   bigint  NOT NULL
);
INSERT INTO directory.change_head (number) VALUES (0);
COMMENT ON COLUMN directory.change_head.number IS 'The newest change';

CREATE TABLE directory.change (
    number bigint PRIMARY KEY,
    kind   text   NOT NULL CHECK (kind <> ''),
    key    text   NOT NULL
);
COMMENT ON COLUMN directory.change.key IS 'A card''s index in hexadecimal digits, merchant/terminal, or an identifier';
