-- Persons being enrolled at a door. Who it is and what came of it; pictures are never kept here.
CREATE TABLE door_enrollments (
    id         BLOB    NOT NULL PRIMARY KEY,
    device     BLOB    NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    person     BLOB    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    asked_by   TEXT    NOT NULL,
    asked_at   INTEGER NOT NULL,
    not_after  INTEGER NOT NULL,
    ends_by    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    templates  INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX door_enrollments_by_device ON door_enrollments (device, asked_at);
CREATE INDEX door_enrollments_by_person ON door_enrollments (person);
CREATE INDEX door_enrollments_open ON door_enrollments (ends_by) WHERE state IN ('sent', 'running');
CREATE INDEX door_enrollments_by_age ON door_enrollments (asked_at);
