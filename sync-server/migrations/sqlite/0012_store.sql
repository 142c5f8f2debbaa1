-- One row while the store is being moved to another database, or was: `copying` in the new one until all is there,
-- `complete` until it is first opened, `moved` in the old one for good, with the place it was moved to.
CREATE TABLE store_move (
    only  INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    state TEXT    NOT NULL,
    place TEXT    NOT NULL
) STRICT;

-- The condition as statements say it, which the planner would not see to be the same.
DROP INDEX persons_to_erase;
CREATE INDEX persons_to_erase ON persons (valid_until) WHERE erase_on_expiry = 1;
