-- One row while the store is being moved to another database, or was: `copying` in the new one until all is there,
-- `complete` until it is first opened, `moved` in the old one for good, with the place it was moved to.
CREATE TABLE store_move (
    "only" BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1),
    state  TEXT COLLATE "C" NOT NULL,
    place  TEXT COLLATE "C" NOT NULL
);
