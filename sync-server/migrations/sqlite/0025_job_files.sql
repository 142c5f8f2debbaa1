-- What was uploaded for jobs, where several servers share the store: as it lies in the spool of the server that took it,
-- sealed with the job's key, in pieces. `n` is the number of the file among those of its job.
CREATE TABLE job_files (
    job   BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n     INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB    NOT NULL,
    PRIMARY KEY (job, n, piece)
) STRICT;
