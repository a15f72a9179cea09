-- Wrong passphrases of an officer since the last right one, and until when no further one is looked at.
ALTER TABLE hsm.officer ADD COLUMN failed_tries integer NOT NULL DEFAULT 0 CHECK (failed_tries >= 0);
ALTER TABLE hsm.officer ADD COLUMN locked_until timestamptz;
