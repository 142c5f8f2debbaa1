-- Persons being enrolled at a door. Who it is and what came of it; pictures are never kept here.
CREATE TABLE door_enrollments (
    id         BYTEA NOT NULL PRIMARY KEY,
    device     BYTEA NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    person     BYTEA NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    asked_by   TEXT COLLATE "C" NOT NULL,
    asked_at   BIGINT NOT NULL,
    not_after  BIGINT NOT NULL,
    ends_by    BIGINT NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    detail     TEXT COLLATE "C" NOT NULL,
    templates  BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX door_enrollments_by_device ON door_enrollments (device, asked_at);
CREATE INDEX door_enrollments_by_person ON door_enrollments (person);
CREATE INDEX door_enrollments_open ON door_enrollments (ends_by) WHERE state IN ('sent', 'running');
CREATE INDEX door_enrollments_by_age ON door_enrollments (asked_at);
