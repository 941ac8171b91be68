-- The three roles and the database, for psql. One file for docker compose and for the embedded server (revops/local).
-- Safe to run again: it only ever creates what is missing and sets passwords to what the environment says.
-- The server's own superuser stays out of every URL: row security does not apply to it.
\set ON_ERROR_STOP on
\getenv owner_password RV_OWNER_PASSWORD
\getenv app_password RV_APP_PASSWORD
\getenv maint_password RV_MAINT_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['rv_owner', 'rv_app', 'rv_maint']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- Owns the tables and migrates them; CREATEDB is for the test database.
ALTER ROLE rv_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE CREATEDB PASSWORD :'owner_password';
-- Web, worker and beat: rows only, of one workspace at a time.
ALTER ROLE rv_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';
-- Backup and operations: reads everything, writes nothing.
ALTER ROLE rv_maint LOGIN NOSUPERUSER BYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'maint_password';
ALTER ROLE rv_maint SET default_transaction_read_only = on;
GRANT pg_read_all_data TO rv_maint;
-- Tests log in as the owner and SET ROLE rv_app, so that a missing grant fails a test.
GRANT rv_app TO rv_owner;

SELECT 'CREATE DATABASE revops OWNER rv_owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'revops')
\gexec
ALTER DATABASE revops OWNER TO rv_owner;

\connect revops
ALTER SCHEMA public OWNER TO rv_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO rv_app, rv_maint;
