-- What is recorded. Columns that queries compare are plain; what is only carried is canonical JSON.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Observed facts.
CREATE TABLE config (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seen TEXT, seen_at INTEGER, seen_cause TEXT,
  accepted TEXT, accepted_cause TEXT, planned TEXT,
  errors TEXT NOT NULL
) STRICT;
CREATE TABLE repos (repo TEXT PRIMARY KEY, listing TEXT, error TEXT) STRICT;
CREATE TABLE sources (key TEXT PRIMARY KEY, repo TEXT NOT NULL, resolved TEXT, problem TEXT) STRICT;
CREATE TABLE evaluations (
  key TEXT NOT NULL, variant TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (key, variant)
) STRICT;

-- What should be and what is.
CREATE TABLE environments (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('prod', 'stage', 'preview')),
  identity TEXT NOT NULL UNIQUE, parked INTEGER NOT NULL DEFAULT 0, cause TEXT, errors TEXT NOT NULL DEFAULT '[]', created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE deployments (
  env TEXT NOT NULL REFERENCES environments (name), app TEXT NOT NULL,
  data_name TEXT NOT NULL, data_engine TEXT, live TEXT, next TEXT,
  PRIMARY KEY (env, app)
) STRICT;
CREATE TABLE artifacts (
  key TEXT PRIMARY KEY, inputs TEXT NOT NULL, source TEXT,
  state TEXT NOT NULL CHECK (state IN ('building', 'built', 'failed', 'removing')),
  digest TEXT, problem TEXT, attempts INTEGER NOT NULL, retry_at INTEGER, used_at INTEGER NOT NULL
) STRICT;
CREATE TABLE instances (
  id TEXT PRIMARY KEY, env TEXT NOT NULL, app TEXT NOT NULL, target TEXT NOT NULL, generation INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'draining', 'stopping', 'stopped', 'removing')),
  route TEXT, problem TEXT, attempts INTEGER NOT NULL, started_at INTEGER, retry_at INTEGER, drain_until INTEGER,
  FOREIGN KEY (env, app) REFERENCES deployments (env, app)
) STRICT;
CREATE INDEX instances_by_deployment ON instances (env, app);
CREATE TABLE releases (
  id TEXT PRIMARY KEY, env TEXT NOT NULL REFERENCES environments (name), state TEXT NOT NULL,
  members TEXT NOT NULL, removal_hash TEXT, cause TEXT NOT NULL
) STRICT;
CREATE TABLE retained (
  data_name TEXT PRIMARY KEY, env TEXT NOT NULL, app TEXT NOT NULL, engine TEXT NOT NULL,
  until INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('kept', 'removing'))
) STRICT;

-- The route table: the contract with the gateways, which read rows newer than the generation they have.
CREATE TABLE routes (
  host TEXT NOT NULL, path TEXT NOT NULL, generation INTEGER NOT NULL,
  env TEXT NOT NULL, app TEXT NOT NULL, serve TEXT,
  PRIMARY KEY (host, path)
) STRICT;
CREATE INDEX routes_by_generation ON routes (generation);

-- The audit log: append-only, each event with the hash of the one before.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, env TEXT, app TEXT,
  cause TEXT NOT NULL, detail TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_app ON audit (app, id);
