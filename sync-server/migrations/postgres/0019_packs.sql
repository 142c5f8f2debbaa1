-- A picture of each enrolled face, with a margin, sealed with the person's key: what a model pack to come makes its
-- templates of. One for each photo, whatever packs made templates of it; it goes with the last of them, and with the
-- person.
CREATE TABLE face_crops (
    person        BYTEA NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    source_sha256 BYTEA NOT NULL,
    jpeg          BYTEA NOT NULL,
    kept_at       BIGINT NOT NULL,
    PRIMARY KEY (person, source_sha256)
);
