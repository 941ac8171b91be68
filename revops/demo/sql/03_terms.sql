-- Their contract terms of one year each, the causes that strike a term, and how its renewal ends.
DROP TABLE IF EXISTS pg_temp.demo_term;
CREATE TEMP TABLE demo_term AS
WITH term AS (
  SELECT account.n, k, account.n::bigint * 16 + k AS id,
         (account.started_on + make_interval(years => k))::date AS starts_on,
         (account.started_on + make_interval(years => k + 1))::date AS ends_on
  FROM demo_account AS account,
       generate_series(0, extract(year FROM age(%(as_of)s::date, account.started_on))::int) AS k
), struck AS (
  -- Causes belong to the two years that are told; older terms went well, as the account is still there.
  SELECT term.*,
         ends_on > %(as_of)s::date - 730 AS told,
         CASE WHEN pg_temp.u(id, 20) < %(f_decline)s THEN 0.45 + 0.40 * pg_temp.u(id, 21) ELSE 0 END AS decline,
         ends_on - (135 + floor(45 * pg_temp.u(id, 22)))::int AS decline_from,
         CASE WHEN pg_temp.u(id, 23) < %(f_sponsor)s THEN ends_on - (105 + floor(70 * pg_temp.u(id, 24)))::int END
           AS sponsor_left_on,
         CASE WHEN pg_temp.u(id, 25) < %(f_spike)s THEN ends_on - (120 + floor(60 * pg_temp.u(id, 26)))::int END AS spike_from,
         CASE WHEN pg_temp.u(id, 27) < %(f_silent)s THEN ends_on - 180 END AS silent_from,
         pg_temp.u(id, 28) < %(f_pressure)s AS pressed
  FROM term
), told AS (
  SELECT n, k, id, starts_on, ends_on, told,
         CASE WHEN told THEN decline ELSE 0 END AS decline,
         decline_from,
         CASE WHEN told THEN sponsor_left_on END AS sponsor_left_on,
         CASE WHEN told THEN spike_from END AS spike_from,
         CASE WHEN told THEN silent_from END AS silent_from,
         told AND decline = 0 AND pressed AS pressed
  FROM struck
), judged AS (
  SELECT told.*,
         1 / (1 + exp(-(%(b0)s + %(b_decline)s * decline + %(b_sponsor)s * (sponsor_left_on IS NOT NULL)::int
           + %(b_spike)s * (spike_from IS NOT NULL)::int + %(b_silent)s * (silent_from IS NOT NULL)::int))) AS churn_probability
  FROM told
), decided AS (
  SELECT judged.*,
         ends_on <= %(as_of)s::date AND told AND pg_temp.u(id, 30) < churn_probability AS churned,
         told AND pg_temp.u(id, 31) < CASE WHEN decline > 0 THEN %(p_contraction_decline)s ELSE %(p_contraction)s END
           AS contracts_after,
         CASE WHEN told AND pg_temp.u(id, 32) < CASE WHEN pressed THEN %(p_expansion_pressure)s ELSE %(p_expansion)s END
              THEN starts_on + (150 + floor(120 * pg_temp.u(id, 33)))::int END AS planned_expansion_on
  FROM judged
), lived AS (
  SELECT decided.*,
         CASE WHEN decline = 0 AND planned_expansion_on < %(as_of)s::date THEN planned_expansion_on END AS expanded_on,
         coalesce(bool_or(churned) OVER (PARTITION BY n ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false)
           AS gone
  FROM decided
), grown AS (
  SELECT lived.*,
         CASE WHEN expanded_on IS NULL THEN 1 ELSE 1.12 + 0.40 * pg_temp.u(id, 34) END AS expansion,
         CASE WHEN contracts_after THEN 0.62 + 0.28 * pg_temp.u(id, 35)
              WHEN pg_temp.u(id, 36) < 0.45 THEN 1.02 + 0.04 * pg_temp.u(id, 37) ELSE 1 END AS renewal_factor
  FROM lived
  WHERE NOT gone
), summed AS (
  SELECT grown.*,
         coalesce(exp(sum(ln(expansion * renewal_factor)) OVER
           (PARTITION BY n ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS growth
  FROM grown
)
SELECT term.n, k, id, starts_on, ends_on, told, decline, decline_from, sponsor_left_on, spike_from, silent_from, pressed,
       expanded_on, churned, contracts_after AND NOT churned AND ends_on <= %(as_of)s::date AS contracted, churn_probability,
       ends_on > %(as_of)s::date AS is_current,
       coalesce(lag(decline) OVER (PARTITION BY term.n ORDER BY k), 0) AS decline_before,
       100 * (round(account.arr_units * growth / 10) * 10)::bigint AS arr_minor,
       100 * (round(account.arr_units * growth * expansion / 10) * 10)::bigint AS arr_end_minor,
       greatest(5, round(account.seats * growth))::int AS seats,
       greatest(5, round(account.seats * growth * expansion))::int AS seats_end,
       array_remove(ARRAY[
         CASE WHEN decline > 0 THEN 'usage_decline' END, CASE WHEN sponsor_left_on IS NOT NULL THEN 'sponsor_left' END,
         CASE WHEN spike_from IS NOT NULL THEN 'ticket_spike' END, CASE WHEN silent_from IS NOT NULL THEN 'no_contact' END],
         NULL) AS causes
FROM summed AS term JOIN demo_account AS account ON account.n = term.n;
CREATE UNIQUE INDEX ON demo_term (n, k);
ANALYZE demo_term;
