-- Under which term of the leader a message was taken to be sent (0 of a server that is alone); NULL while nobody has it.
-- What a leader that died had taken is taken again at once by the next one.
ALTER TABLE deliveries ADD COLUMN taken_by BIGINT;
CREATE INDEX deliveries_taken ON deliveries (taken_by) WHERE taken_by IS NOT NULL AND state = 'waiting';

-- What devices were told to do, who told them, and what came of it. `status`: 'sent' until it is answered, then as the
-- device said. `detail` is the device's words, plain text without names. `media_type` and `size` are of what came with
-- the answer.
CREATE TABLE device_commands (
    id BYTEA NOT NULL PRIMARY KEY,
    device BYTEA NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    kind        TEXT COLLATE "C" NOT NULL,
    asked_by    TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL,
    answered_at BIGINT,
    media_type  TEXT COLLATE "C",
    size        BIGINT
);
CREATE INDEX device_commands_by_device ON device_commands (device, id);
CREATE INDEX device_commands_by_age ON device_commands (asked_at);

-- What came with the answers, sealed with the media key. Pictures (`picture` 1) show whoever stood before the camera, and
-- are kept as long as pictures of strangers; the rest is kept with its command.
CREATE TABLE device_command_attachments (
    command BYTEA  NOT NULL PRIMARY KEY REFERENCES device_commands (id) ON DELETE CASCADE,
    picture BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL
);
CREATE INDEX device_command_pictures_by_age ON device_command_attachments (at) WHERE picture = 1;

-- Notices, and what is to be sent: heard by every server, whoever writes them.
INSERT INTO changes (topic, count) VALUES ('notices', 0);
CREATE TRIGGER deliveries_new AFTER INSERT ON deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('notices');
CREATE TRIGGER notice_readers_changed AFTER INSERT OR UPDATE OF unread ON notice_readers
    FOR EACH STATEMENT EXECUTE FUNCTION count_change('notices');
