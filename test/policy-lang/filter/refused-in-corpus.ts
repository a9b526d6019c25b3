/** What of the tree's own cases SQL refuses, by set; the lists may only become shorter. */
export const refusedInCorpus: { readonly [set: string]: readonly string[] } = {
  'decided/declarations.fbac': [
    'more:check cannot become a filter in SQL: the extern "stock" is asked about what is listed, which is not fetched',
    'more:count cannot become a filter in SQL: the extern "spare" is asked about what is listed, which is not fetched',
  ],
  'examples/identity.fbac': [
    'register-client cannot become a filter in SQL: the extern "registrationsToday" is asked about what is listed, which is not fetched',
  ],
  // Asked without the graph in memory, which closes roles.
  'asked/desk.jsonl': [
    'manage cannot become a filter in SQL: who is permitted cannot be said in SQL: roles are worked out in memory',
  ],
  'unseen/delegation': [
    'scored cannot become a filter in SQL: the extern "score" is asked about what is listed, which is not fetched',
  ],
  'unseen/devices': [
    'permitted cannot become a filter in SQL: who is permitted cannot be said in SQL: roles are worked out in memory',
  ],
  'unseen/kiosk': [
    'buy cannot become a filter in SQL: the extern "stock" is asked about what is listed, which is not fetched',
  ],
  'unseen/newsroom': [
    'desk-clock cannot become a filter in SQL: `timeOfDay` of a stored time: the database has time zones of its own, which may differ',
    'today-only cannot become a filter in SQL: `date` of a stored time: the database has time zones of its own, which may differ',
  ],
  'unseen/warehouse': ['audit cannot become a filter in SQL: equal records are one member, which SQL cannot tell'],
}
