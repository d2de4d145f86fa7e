CREATE TABLE fetcher_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT fetcher_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE entries (
	entry_id CHAR(32) NOT NULL, 
	url TEXT, 
	site TEXT NOT NULL, 
	feed_id CHAR(32) NOT NULL, 
	facts JSON NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(60), 
	discovered_at DATETIME NOT NULL, 
	next_at DATETIME, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	postponed INTEGER DEFAULT 0 NOT NULL, 
	visits INTEGER DEFAULT 0 NOT NULL, 
	observations INTEGER DEFAULT 0 NOT NULL, 
	queued_at DATETIME, 
	etag TEXT, 
	last_modified TEXT, 
	validators_url TEXT, 
	body_hash VARCHAR(64), 
	lease CHAR(32), 
	lease_until DATETIME, 
	PRIMARY KEY (entry_id)
);
CREATE INDEX entries_due ON entries (next_at);
CREATE INDEX entries_queued ON entries (queued_at);
CREATE TABLE feed_entries (
	feed_id CHAR(32) NOT NULL, 
	identity VARCHAR(500) NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	entry_id CHAR(32), 
	skipped VARCHAR(60), 
	first_seen_at DATETIME NOT NULL, 
	PRIMARY KEY (feed_id, identity)
);
CREATE INDEX feed_entries_entry ON feed_entries (entry_id);
CREATE TABLE feeds (
	feed_id CHAR(32) NOT NULL, 
	url TEXT NOT NULL, 
	source TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	settings JSON NOT NULL, 
	etag TEXT, 
	last_modified TEXT, 
	validators_url TEXT, 
	body_hash VARCHAR(64), 
	rhythm JSON NOT NULL, 
	why JSON, 
	polled_at DATETIME, 
	next_poll_at DATETIME NOT NULL, 
	lease CHAR(32), 
	lease_until DATETIME, 
	PRIMARY KEY (feed_id), 
	UNIQUE (url)
);
CREATE INDEX feeds_due ON feeds (next_poll_at);
CREATE TABLE hosts (
	site TEXT NOT NULL, 
	next_allowed_at DATETIME NOT NULL, 
	blocked_until DATETIME, 
	delay_seconds FLOAT NOT NULL, 
	PRIMARY KEY (site)
);
CREATE TABLE robots (
	origin TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	fresh_until DATETIME NOT NULL, 
	PRIMARY KEY (origin)
);
CREATE TABLE processor_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT processor_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE addresses (
	address_id CHAR(32) NOT NULL, 
	key_id CHAR(32) NOT NULL, 
	key_version INTEGER NOT NULL, 
	url TEXT NOT NULL, 
	article_id CHAR(32) NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	PRIMARY KEY (address_id)
);
CREATE INDEX addresses_article ON addresses (article_id);
CREATE INDEX addresses_key ON addresses (key_id);
CREATE TABLE articles (
	article_id CHAR(32) NOT NULL, 
	url TEXT NOT NULL, 
	host TEXT NOT NULL, 
	site_name TEXT, 
	headline TEXT, 
	language VARCHAR(35) NOT NULL, 
	language_confidence FLOAT NOT NULL, 
	story_id CHAR(32) NOT NULL, 
	role VARCHAR(10) NOT NULL, 
	revision INTEGER NOT NULL, 
	withdrawn BOOLEAN NOT NULL, 
	observed_at DATETIME NOT NULL, 
	observed_as VARCHAR(20) NOT NULL, 
	text_hash VARCHAR(64) NOT NULL, 
	headline_hash VARCHAR(64) NOT NULL, 
	page_hash VARCHAR(64) NOT NULL, 
	extractor VARCHAR(100) NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	PRIMARY KEY (article_id)
);
CREATE INDEX articles_story ON articles (story_id);
CREATE TABLE forgotten (
	key_id CHAR(32) NOT NULL, 
	PRIMARY KEY (key_id)
);
CREATE TABLE inbox (
	raw_id CHAR(32) NOT NULL, 
	entry_id CHAR(32) NOT NULL, 
	observation INTEGER NOT NULL, 
	verdict VARCHAR(40) NOT NULL, 
	reason VARCHAR(60) NOT NULL, 
	rule VARCHAR(60), 
	article_id CHAR(32), 
	event_id CHAR(32), 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (raw_id)
);
CREATE INDEX inbox_article ON inbox (article_id);
CREATE INDEX inbox_received ON inbox (received_at);
CREATE TABLE outbox (
	event_id CHAR(32) NOT NULL, 
	sequence BIGINT NOT NULL, 
	article_id CHAR(32) NOT NULL, 
	verb VARCHAR(20) NOT NULL, 
	routing_key TEXT NOT NULL, 
	correlation_id TEXT NOT NULL, 
	headers JSON NOT NULL, 
	body BLOB, 
	created_at DATETIME NOT NULL, 
	confirmed_at DATETIME, 
	lease CHAR(32), 
	lease_until DATETIME, 
	PRIMARY KEY (event_id)
);
CREATE INDEX outbox_article ON outbox (article_id);
CREATE INDEX outbox_pending ON outbox (confirmed_at, sequence);
CREATE TABLE quarantine (
	quarantine_id CHAR(32) NOT NULL, 
	raw_id CHAR(32), 
	reason VARCHAR(60) NOT NULL, 
	detail TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	headers JSON NOT NULL, 
	body BLOB NOT NULL, 
	quarantined_at DATETIME NOT NULL, 
	PRIMARY KEY (quarantine_id)
);
CREATE TABLE revisions (
	article_id CHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	verb VARCHAR(20) NOT NULL, 
	event_id CHAR(32) NOT NULL, 
	text_hash VARCHAR(64) NOT NULL, 
	headline_hash VARCHAR(64) NOT NULL, 
	observed_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (article_id, number)
);
CREATE INDEX revisions_text ON revisions (text_hash, created_at);
CREATE TABLE entry_outcomes (
	entry_id CHAR(32) NOT NULL, 
	observation INTEGER NOT NULL, 
	outcome VARCHAR(60) NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	PRIMARY KEY (entry_id)
);
CREATE TABLE heartbeat (
	one INTEGER NOT NULL, 
	beat BLOB NOT NULL, 
	PRIMARY KEY (one)
);
