CREATE TABLE public.addresses (
    address_id uuid NOT NULL,
    key_id uuid NOT NULL,
    key_version integer NOT NULL,
    url text NOT NULL,
    article_id uuid NOT NULL,
    first_seen_at timestamp with time zone NOT NULL
);
CREATE TABLE public.articles (
    article_id uuid NOT NULL,
    url text NOT NULL,
    host text NOT NULL,
    site_name text,
    headline text,
    language character varying(35) NOT NULL,
    language_confidence double precision NOT NULL,
    story_id uuid NOT NULL,
    role character varying(10) NOT NULL,
    revision integer NOT NULL,
    withdrawn boolean NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    observed_as character varying(20) NOT NULL,
    text_hash character varying(64) NOT NULL,
    headline_hash character varying(64) NOT NULL,
    page_hash character varying(64) NOT NULL,
    extractor character varying(100) NOT NULL,
    first_seen_at timestamp with time zone NOT NULL
);
CREATE TABLE public.entries (
    entry_id uuid NOT NULL,
    url text,
    site text NOT NULL,
    feed_id uuid NOT NULL,
    facts json NOT NULL,
    state character varying(20) NOT NULL,
    reason character varying(60),
    discovered_at timestamp with time zone NOT NULL,
    next_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    postponed integer DEFAULT 0 NOT NULL,
    visits integer DEFAULT 0 NOT NULL,
    observations integer DEFAULT 0 NOT NULL,
    queued_at timestamp with time zone,
    etag text,
    last_modified text,
    validators_url text,
    body_hash character varying(64),
    lease uuid,
    lease_until timestamp with time zone
);
CREATE TABLE public.entry_outcomes (
    entry_id uuid NOT NULL,
    observation integer NOT NULL,
    outcome character varying(60) NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
CREATE TABLE public.feed_entries (
    feed_id uuid NOT NULL,
    identity character varying(500) NOT NULL,
    fingerprint character varying(64) NOT NULL,
    entry_id uuid,
    skipped character varying(60),
    first_seen_at timestamp with time zone NOT NULL
);
CREATE TABLE public.feeds (
    feed_id uuid NOT NULL,
    url text NOT NULL,
    source text NOT NULL,
    active boolean NOT NULL,
    settings json NOT NULL,
    etag text,
    last_modified text,
    validators_url text,
    body_hash character varying(64),
    rhythm json NOT NULL,
    why json,
    polled_at timestamp with time zone,
    next_poll_at timestamp with time zone NOT NULL,
    lease uuid,
    lease_until timestamp with time zone
);
CREATE TABLE public.fetcher_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.forgotten (
    key_id uuid NOT NULL
);
CREATE TABLE public.heartbeat (
    one integer NOT NULL,
    beat bytea NOT NULL
);
CREATE SEQUENCE public.heartbeat_one_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.heartbeat_one_seq OWNED BY public.heartbeat.one;
CREATE TABLE public.hosts (
    site text NOT NULL,
    next_allowed_at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone,
    delay_seconds double precision NOT NULL
);
CREATE TABLE public.inbox (
    raw_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    observation integer NOT NULL,
    verdict character varying(40) NOT NULL,
    reason character varying(60) NOT NULL,
    rule character varying(60),
    article_id uuid,
    event_id uuid,
    received_at timestamp with time zone NOT NULL
);
CREATE TABLE public.outbox (
    event_id uuid NOT NULL,
    sequence bigint NOT NULL,
    article_id uuid NOT NULL,
    verb character varying(20) NOT NULL,
    routing_key text NOT NULL,
    correlation_id text NOT NULL,
    headers json NOT NULL,
    body bytea,
    created_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    lease uuid,
    lease_until timestamp with time zone
);
CREATE TABLE public.processor_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.quarantine (
    quarantine_id uuid NOT NULL,
    raw_id uuid,
    reason character varying(60) NOT NULL,
    detail text NOT NULL,
    attempt integer NOT NULL,
    kind text NOT NULL,
    headers json NOT NULL,
    body bytea NOT NULL,
    quarantined_at timestamp with time zone NOT NULL
);
CREATE TABLE public.revisions (
    article_id uuid NOT NULL,
    number integer NOT NULL,
    verb character varying(20) NOT NULL,
    event_id uuid NOT NULL,
    text_hash character varying(64) NOT NULL,
    headline_hash character varying(64) NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.robots (
    origin text NOT NULL,
    status integer NOT NULL,
    body text NOT NULL,
    fresh_until timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.heartbeat ALTER COLUMN one SET DEFAULT nextval('public.heartbeat_one_seq'::regclass);
ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (address_id);
ALTER TABLE ONLY public.articles
    ADD CONSTRAINT articles_pkey PRIMARY KEY (article_id);
ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY public.entry_outcomes
    ADD CONSTRAINT entry_outcomes_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY public.feed_entries
    ADD CONSTRAINT feed_entries_pkey PRIMARY KEY (feed_id, identity);
ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_pkey PRIMARY KEY (feed_id);
ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT feeds_url_key UNIQUE (url);
ALTER TABLE ONLY public.fetcher_version
    ADD CONSTRAINT fetcher_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.forgotten
    ADD CONSTRAINT forgotten_pkey PRIMARY KEY (key_id);
ALTER TABLE ONLY public.heartbeat
    ADD CONSTRAINT heartbeat_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_pkey PRIMARY KEY (site);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (raw_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.processor_version
    ADD CONSTRAINT processor_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (article_id, number);
ALTER TABLE ONLY public.robots
    ADD CONSTRAINT robots_pkey PRIMARY KEY (origin);
CREATE INDEX addresses_article ON public.addresses USING btree (article_id);
CREATE INDEX addresses_key ON public.addresses USING btree (key_id);
CREATE INDEX articles_story ON public.articles USING btree (story_id);
CREATE INDEX entries_due ON public.entries USING btree (next_at);
CREATE INDEX entries_queued ON public.entries USING btree (queued_at);
CREATE INDEX feed_entries_entry ON public.feed_entries USING btree (entry_id);
CREATE INDEX feeds_due ON public.feeds USING btree (next_poll_at);
CREATE INDEX inbox_article ON public.inbox USING btree (article_id);
CREATE INDEX inbox_received ON public.inbox USING btree (received_at);
CREATE INDEX outbox_article ON public.outbox USING btree (article_id);
CREATE INDEX outbox_pending ON public.outbox USING btree (confirmed_at, sequence);
CREATE INDEX revisions_text ON public.revisions USING btree (text_hash, created_at);
