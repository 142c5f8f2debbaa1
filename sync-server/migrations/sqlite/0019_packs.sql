-- A picture of each enrolled face, with a margin, sealed with the person's key: what a model pack to come makes its
-- templates of. One for each photo, whatever packs made templates of it; it goes with the last of them, and with the
-- person.
CREATE TABLE face_crops (
    person        BLOB    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    source_sha256 BLOB    NOT NULL,
    jpeg          BLOB    NOT NULL,
    kept_at       INTEGER NOT NULL,
    PRIMARY KEY (person, source_sha256)
) STRICT;
