-- Terminals that ask for one at sign-on get a key for their track data too.
ALTER TABLE directory.terminal_key_set ADD COLUMN track_key text CHECK (track_key <> '');
