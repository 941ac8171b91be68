-- What is known of each company that a cause has struck or that has left; read into the truth file.
SELECT jsonb_build_object('account', account.external_id, 'name', account.name, 'terms', jsonb_agg(jsonb_build_object('term_end', term.ends_on, 'outcome',
           CASE WHEN term.is_current THEN 'open' WHEN churned THEN 'churned' WHEN contracted THEN 'contracted' ELSE 'renewed' END,
         'causes', to_jsonb(causes), 'churn_probability', round(churn_probability::numeric, 4),
         'usage_lost', round(decline::numeric, 3), 'usage_falls_from', CASE WHEN decline > 0 THEN decline_from END,
         'sponsor_left_on', sponsor_left_on, 'tickets_spike_from', spike_from, 'no_contact_from', silent_from,
         'seat_pressure', pressed, 'expanded_on', expanded_on) ORDER BY term.k))::text
FROM demo_term AS term JOIN demo_account AS account ON account.n = term.n
WHERE term.told AND (cardinality(causes) > 0 OR churned OR pressed)
GROUP BY account.n, account.external_id, account.name
ORDER BY account.n
