-- Where chain `number` begins: the hash before its first row.
CREATE FUNCTION ims_audit_genesis(number integer) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sha256(convert_to('ims audit chain ' || number, 'UTF8'));

-- SHA-256 over prev_hash and a JSON array of every other column as text: no setting of a session changes it.
CREATE FUNCTION ims_audit_hash(entry audit_log) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256((entry).prev_hash || convert_to(jsonb_build_array(
    to_char((entry).at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (entry).audit_id::text, (entry).chain_no::text, (entry).chain_seq::text,
    (entry).request_id, (entry).user_id::text, (entry).username, to_jsonb((entry).roles)::text,
    (entry).store_id::text, (entry).address::text, (entry).user_agent,
    (entry).kind, (entry).severity, (entry).entity_type, (entry).entity_id,
    (entry).before::text, (entry).after::text)::text, 'UTF8'));

-- Appends events (an array of objects named like the columns) to the first free of 16 chains, so that transactions
-- do not wait for one another; gives their number. The row lock on the chain's head lasts to the end of the
-- transaction: this is its last statement. Time never runs backwards within a chain, so that the months which
-- retention drops are a beginning of each.
CREATE FUNCTION ims_append_audit(events jsonb, moment timestamptz) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head audit_chains;
    entry audit_log;
    event jsonb;
    preferred integer := pg_backend_pid() % 16;
BEGIN
    SELECT * INTO head FROM audit_chains
     ORDER BY (chain_no - preferred + 16) % 16 LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        INSERT INTO audit_chains (chain_no, chain_seq, hash, recorded_at)
        SELECT number, 0, ims_audit_genesis(number), '-infinity' FROM generate_series(0, 15) AS number
            ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT head FROM audit_chains WHERE chain_no = preferred FOR UPDATE;
    END IF;
    head.recorded_at := greatest(head.recorded_at, moment);
    FOR event IN SELECT value FROM jsonb_array_elements(events) WITH ORDINALITY ORDER BY ordinality LOOP
        head.chain_seq := head.chain_seq + 1;
        entry := jsonb_populate_record(NULL::audit_log, event);
        entry.at := head.recorded_at;
        entry.audit_id := nextval('audit_log_audit_id_seq');
        entry.chain_no := head.chain_no;
        entry.chain_seq := head.chain_seq;
        entry.prev_hash := head.hash;
        entry.hash := ims_audit_hash(entry);
        INSERT INTO audit_log OVERRIDING SYSTEM VALUE VALUES (entry.*);
        head.hash := entry.hash;
    END LOOP;
    UPDATE audit_chains SET chain_seq = head.chain_seq, hash = head.hash, recorded_at = head.recorded_at
     WHERE chain_no = head.chain_no;
    RETURN jsonb_array_length(events);
END $$;

-- What the application may do to the log: add to it, at this moment.
CREATE FUNCTION ims_record_audit(events jsonb) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
RETURN ims_append_audit(events, clock_timestamp());

REVOKE EXECUTE ON FUNCTION ims_append_audit(jsonb, timestamptz), ims_record_audit(jsonb) FROM PUBLIC;

INSERT INTO audit_chains (chain_no, chain_seq, hash, recorded_at)
SELECT number, 0, ims_audit_genesis(number), '-infinity' FROM generate_series(0, 15) AS number;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('what happened is never changed');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('what happened is never changed');
SELECT ims_make_partitions('audit_log', NULL, NULL);
