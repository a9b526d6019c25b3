// What SQL needs beside the language of PostgreSQL itself: data as `runtime/read-value.ts` reads it. Every function is total: a
// value that does not fit is NULL, never a failing query (SPEC 5.5). Plain expressions, so that the planner can inline them.

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const version4 = `${octet}(\\.${octet}){3}`
const group = '[0-9a-fA-F]{1,4}'

/** RFC 4291 §2.2: every place where `::` may stand. */
function version6(): string {
  const whole = [`(${group}:){7}${group}`, `(${group}:){6}${version4}`]
  const short = Array.from({ length: 8 }, (_, head) => {
    const before = head === 0 ? '' : `${group}(:${group}){${head - 1}}`
    const room = 7 - head
    const after = [
      ...(room > 0 ? [`${group}(:${group}){0,${room - 1}}`] : []),
      ...(room > 1 ? [`(${group}:){0,${room - 2}}${version4}`] : []),
    ]
    return `${before}::${after.length > 0 ? `(${after.join('|')})?` : ''}`
  })
  return [...whole, ...short].join('|')
}

const create = (name: string, parameters: string, returns: string, body: string): string =>
  `create or replace function ${name}(${parameters}) returns ${returns} language sql immutable parallel safe as $writ$
  select ${body}
$writ$;`

const smallest = '-9223372036854775808'
const largest = '9223372036854775807'
const earliest = '-62135596800000'
const latest = '253402300799999'

/** Statements that make the functions; run once in the schema of the tables. */
export const sqlFunctions: readonly string[] = [
  create('writ_int64', 'n numeric', 'numeric', `case when n between ${smallest} and ${largest} then n end`),
  create('writ_in_years', 'n numeric', 'numeric', `case when n between ${earliest} and ${latest} then n end`),
  create('writ_text', 'j jsonb', 'text', `case when jsonb_typeof(j) = 'string' then j #>> '{}' end`),
  create('writ_enum', 'x text, members text[]', 'text', 'case when x = any(members) then x end'),
  create('writ_bool', 'j jsonb', 'boolean', `case when jsonb_typeof(j) = 'boolean' then (j #>> '{}')::boolean end`),
  create('writ_number', 'j jsonb', 'numeric', `case when jsonb_typeof(j) = 'number' then (j #>> '{}')::numeric end`),
  create(
    'writ_whole',
    'n numeric',
    'numeric',
    `case when n between ${smallest} and ${largest} and n = trunc(n) then trunc(n) end`,
  ),
  create('writ_int', 'j jsonb', 'numeric', 'writ_whole(writ_number(j))'),
  create('writ_safe', 'n numeric', 'numeric', 'case when abs(n) <= 9007199254740991 then n end'),
  // {"__extn":{"fn","arg"}}, {"fn","arg"}, or the argument alone.
  create(
    'writ_extension',
    'j jsonb, fn text',
    'jsonb',
    `case when jsonb_typeof(j) <> 'object' then j when not j ? '__extn' then case when j -> 'fn' = to_jsonb(fn) then j -> 'arg' end
    when jsonb_typeof(j -> '__extn') <> 'object' then j -> '__extn' when j -> '__extn' -> 'fn' = to_jsonb(fn) then j -> '__extn' -> 'arg' end`,
  ),
  create(
    'writ_decimal_text',
    'x text',
    'numeric',
    `case when x ~ '^-?0*[0-9]{1,30}(\\.[0-9]{1,4})?$' then writ_int64(trunc(x::numeric * 10000)) end`,
  ),
  create(
    'writ_decimal',
    'j jsonb',
    'numeric',
    `case jsonb_typeof(e)
    when 'string' then writ_decimal_text(e #>> '{}')
    when 'number' then case when scale(trim_scale(writ_number(e))) <= 4 then writ_int64(trunc(writ_number(e) * 10000)) end
  end from (select writ_extension(j, 'decimal') as e) x`,
  ),
  create(
    'writ_duration_text',
    'x text',
    'numeric',
    `writ_int64((case when m[1] = '-' then -1 else 1 end) * (
    coalesce(m[2]::numeric, 0) * 604800000 + coalesce(m[3]::numeric, 0) * 86400000 + coalesce(m[4]::numeric, 0) * 3600000
    + coalesce(m[5]::numeric, 0) * 60000 + coalesce(m[6]::numeric, 0) * 1000 + coalesce(m[7]::numeric, 0)))
  from (select regexp_match(x,
    '^(-?)(?=[0-9])(?:0*([0-9]{1,30})w)?(?:0*([0-9]{1,30})d)?(?:0*([0-9]{1,30})h)?(?:0*([0-9]{1,30})m)?(?:0*([0-9]{1,30})s)?(?:0*([0-9]{1,30})ms)?$') as m) y
  where m is not null`,
  ),
  create(
    'writ_duration',
    'j jsonb',
    'numeric',
    `case jsonb_typeof(e) when 'string' then writ_duration_text(e #>> '{}') when 'number' then writ_int(e) end
  from (select writ_extension(j, 'duration') as e) x`,
  ),
  // Numbers in columns of a module, as the server reads them: numeric comes as text, what is in jsonb as a double.
  create(
    'writ_double',
    'n numeric',
    'numeric',
    `case when abs(n) < 1e300 then (n::double precision)::text::numeric end`,
  ),
  create(
    'writ_digits',
    'x text',
    'numeric',
    `case when x ~ '^-?[0-9]{1,19}(\\.0+)?$' then writ_whole(trunc(x::numeric)) end`,
  ),
  create(
    'writ_column_int',
    'j jsonb, is_double boolean',
    'numeric',
    `case jsonb_typeof(j)
    when 'string' then writ_digits(j #>> '{}')
    when 'number' then case when not is_double then writ_int(j)
      when abs(writ_number(j)) <= 9007199254740992 then writ_safe(writ_whole(writ_double(writ_number(j)))) end
  end`,
  ),
  create(
    'writ_column_decimal',
    'j jsonb, is_double boolean',
    'numeric',
    `case jsonb_typeof(j)
    when 'string' then writ_decimal_text(regexp_replace(j #>> '{}', '(\\.[0-9]{1,4})0+$', '\\1'))
    when 'number' then case when is_double then writ_decimal(to_jsonb(writ_double(writ_number(j)))) else writ_decimal(j) end
    else writ_decimal(j)
  end`,
  ),
  create(
    'writ_column_duration',
    'j jsonb, is_double boolean',
    'numeric',
    `case jsonb_typeof(j)
    when 'string' then coalesce(writ_digits(j #>> '{}'), writ_duration(j))
    when 'number' then writ_column_int(j, is_double)
    else writ_duration(j)
  end`,
  ),
  // Days since 1970 in the proleptic Gregorian calendar: the year may be 0, which make_date refuses.
  create(
    'writ_days',
    'y int, m int, d int',
    'int',
    `case when m between 1 and 12 and d between 1 and case
      when m in (4, 6, 9, 11) then 30
      when m <> 2 then 31
      when y % 4 = 0 and (y % 100 <> 0 or y % 400 = 0) then 29 else 28 end
    then 365 * s + floor(s / 4.0)::int - floor(s / 100.0)::int + floor(s / 400.0)::int
      + (153 * (m + case when m > 2 then -3 else 9 end) + 2) / 5 + d - 1 - 719468 end
  from (select y - case when m <= 2 then 1 else 0 end as s) x`,
  ),
  create(
    'writ_instant',
    'x text',
    'numeric',
    `case when coalesce(p[4], '0')::int <= 23 and coalesce(p[5], '0')::int <= 59 and coalesce(p[6], '0')::int <= 59
      and coalesce(p[10], '0')::int <= 23 and coalesce(p[11], '0')::int <= 59
    then writ_in_years(writ_days(p[1]::int, p[2]::int, p[3]::int)::numeric * 86400000
      + coalesce(p[4]::int, 0) * 3600000 + coalesce(p[5]::int, 0) * 60000 + coalesce(p[6]::int, 0) * 1000
      + rpad(left(coalesce(p[7], ''), 3), 3, '0')::int
      - (coalesce(p[10]::int, 0) * 60 + coalesce(p[11]::int, 0)) * 60000 * case when p[9] = '-' then -1 else 1 end) end
  from (select regexp_match(x,
    '^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\\.([0-9]+))?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2})))?$') as p) y
  where p is not null`,
  ),
  create('writ_time', 'j jsonb', 'numeric', `writ_instant(writ_text(writ_extension(j, 'datetime')))`),
  create(
    'writ_milliseconds',
    'x timestamptz',
    'numeric',
    'case when isfinite(x) then writ_in_years(floor(extract(epoch from x) * 1000)) end',
  ),
  create(
    'writ_address',
    'x text',
    'inet',
    `case when case
      when x ~ '^${version4}(/(0|[1-9]|[12][0-9]|3[0-2]))?$' then true
      else x ~ '^(${version6()})(/(0|[1-9][0-9]?|1[01][0-9]|12[0-8]))?$' end
    then case when x::inet = network(x::inet)::inet then x::inet end end`,
  ),
  create('writ_ip', 'j jsonb', 'inet', `writ_address(writ_text(writ_extension(j, 'ip')))`),
  create(
    'writ_unwrapped',
    'j jsonb',
    'jsonb',
    `case when jsonb_typeof(j) = 'object' and j ? '__entity' then j -> '__entity' else j end`,
  ),
  // An id alone is an entity of the only declared type, where a column of a table holds it.
  create(
    'writ_type_in',
    'e jsonb, types text[], alone text',
    'text',
    `case when jsonb_typeof(e) = 'object' and jsonb_typeof(e -> 'id') = 'string' and writ_text(e -> 'type') = any(types)
      then e ->> 'type' when jsonb_typeof(e) = 'string' then alone end`,
  ),
  create(
    'writ_id_in',
    'e jsonb, types text[], alone text',
    'text',
    `case when jsonb_typeof(e) = 'object' and jsonb_typeof(e -> 'id') = 'string' and writ_text(e -> 'type') = any(types)
      then e ->> 'id' when jsonb_typeof(e) = 'string' and alone is not null then e #>> '{}' end`,
  ),
  create(
    'writ_entity_type',
    'j jsonb, types text[], alone text',
    'text',
    'writ_type_in(writ_unwrapped(j), types, alone)',
  ),
  create('writ_entity_id', 'j jsonb, types text[], alone text', 'text', 'writ_id_in(writ_unwrapped(j), types, alone)'),
  ...[
    ['bool', 'writ_bool(e)'],
    ['int', 'writ_int(e)'],
    ['decimal', 'writ_decimal(e)'],
    ['duration', 'writ_duration(e)'],
    ['time', 'writ_time(e)'],
    ['ip', 'writ_ip(e)'],
    ['string', 'writ_text(e)'],
    ['record', `case when jsonb_typeof(e) = 'object' then e end`],
  ].map(([kind, element]) => create(`writ_set_of_${kind}`, 'j jsonb', 'jsonb', wholeSet(element ?? ''))),
  create('writ_set_of_enum', 'j jsonb, members text[]', 'jsonb', wholeSet('writ_enum(writ_text(e), members)')),
  create(
    'writ_set_of_entity',
    'j jsonb, types text[], alone text',
    'jsonb',
    wholeSet('writ_entity_id(e, types, alone)'),
  ),
]

/**
 * The array, or NULL where it is none or a member does not fit (SPEC 4.9).
 * ORDER: the test for an array stands outside: unfolding anything else would fail the query.
 */
function wholeSet(element: string): string {
  return `case when jsonb_typeof(j) = 'array' then case when not exists (select 1 from jsonb_array_elements(j) m(e) where ${element} is null) then j end end`
}
