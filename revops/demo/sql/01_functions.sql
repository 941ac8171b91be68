-- Chance without chance: the same seed gives the same world. n says for whom, salt for what.
CREATE OR REPLACE FUNCTION pg_temp.u(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (hashint8extended(n, %(seed)s::bigint * 1000 + salt) & 9007199254740991)::float8 / 9007199254740992
$$;
-- Bell-shaped around 0 with variance 1: three uniform numbers.
CREATE OR REPLACE FUNCTION pg_temp.g(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 2 * (pg_temp.u(n, salt) + pg_temp.u(n, salt + 300) + pg_temp.u(n, salt + 600) - 1.5)
$$;
CREATE OR REPLACE FUNCTION pg_temp.pick(words text[], n bigint, salt int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT words[1 + floor(pg_temp.u(n, salt) * cardinality(words))::int]
$$;
