/** Every limit of the server, with its default and its reason; nothing else in the code decides how much is too much. */

type Limit = { value: number; unit: string; why: string };

const limit = (value: number, unit: string, why: string): Limit => ({ value, unit, why });

export const LIMIT_TABLE = {
  // The request, before anything of it is read as GraphQL.
  bodyBytes: limit(262_144, 'bytes', 'Ten times the longest Workbook entry; what is longer is no operation.'),
  headerBytes: limit(16_384, 'bytes', 'A token has at most 9,000 characters; nothing else in the headers is long.'),
  headersSeconds: limit(10, 's', 'Headers come in one packet or two; a caller that drips them holds a connection.'),
  requestSeconds: limit(30, 's', 'As long as the slowest answer may take, with its body read.'),
  keepAliveSeconds: limit(72, 's', 'Longer than a load balancer keeps its side (60 s), so that it never writes into a closed connection.'),
  stalledSeconds: limit(
    90,
    's',
    'Longer than a connection is kept alive; a caller that reads nothing of its answer holds the answer in memory.',
  ),
  connections: limit(2_000, 'connections', 'More would wait for the database anyway; each takes memory.'),
  tokenCharacters: limit(9_000, 'characters', 'Tokens with many scopes have 2,000.'),

  // The document, before variables: checked once for each text.
  documentCharacters: limit(
    32_768,
    'characters',
    'The longest published document has 8,200; comments are no tokens and are kept as long as the rest.',
  ),
  tokens: limit(5_000, 'tokens', 'The longest published document has 700, introspection 600. Bounds parsing and validation.'),
  selections: limit(1_000, 'fields, fragments flattened', 'Full introspection has 200. Stops fragments that double each other.'),
  depth: limit(14, 'fields', 'People ask six deep, introspection thirteen.'),
  rootFields: limit(50, 'fields', 'Each is a search of its own; fifty ids at once are a page.'),
  sameField: limit(5, 'times in one object', 'Under several aliases, with other arguments; the same text a hundred times is only long.'),
  directives: limit(100, 'directives', 'An @include on every field of the longest document.'),
  errors: limit(3, 'errors', 'Enough to mend a document; more would be a list of our names.'),
  aliasCharacters: limit(63, 'characters', 'The length of a name in PostgreSQL, whose rows carry aliases.'),
  operationNameCharacters: limit(100, 'characters', 'It stands in logs and in the disclosure record.'),

  // Values, in the document or in variables.
  valueDepth: limit(10, 'levels', 'Inputs are three deep.'),
  listItems: limit(100, 'items', 'As many as a page.'),
  observationLines: limit(1_000, 'lines', 'A school’s month in one request; ten thousand take a second in ten.'),
  extractChildren: limit(
    20_000,
    'children',
    'Who comes to a county within five years; they are checked together, which takes the server two seconds.',
  ),
  extractChunk: limit(2_000, 'rows', 'Children gathered, and rows written, in one statement: a second at most.'),
  textCharacters: limit(20_000, 'characters', 'Six typed pages: the longest narrative of a visit.'),
  first: limit(100, 'rows', 'A page that a person scrolls through; record systems page on.'),
  firstDefault: limit(20, 'rows', 'A screen.'),
  countedRows: limit(10_000, 'rows', 'Counting 20,000 visible rows takes 21 ms; beyond this `totalCount` says "at least".'),

  // Cost: one unit is one object of the answer, or twenty fields of objects.
  fieldsPerUnit: limit(20, 'fields', 'An object with all its fields costs one or two: most of the work is finding it.'),
  costOfStatic: limit(
    100,
    'units a field',
    'Fields of introspection and of the sharing matrix stand in hundreds of rows, which no statement fetches.',
  ),
  cost: limit(30_000, 'units', 'A page of a hundred whole families with the last entries of each.'),
  costOfList: limit(10, 'units', 'What an unpaged list (members, plans) is taken to hold before it is read; half of it is usual.'),
  seriesYears: limit(10, 'years', 'A birth to the end of primary school; months of that by district are 600 figures.'),
  costOfCount: limit(10, 'units', 'A `totalCount` may read as many rows as hundred pages, without building them.'),
  budget: limit(60_000, 'units a client', 'A team opening its morning: ten users with six pages each, at once.'),
  budgetRestore: limit(
    2_000,
    'units a second and client',
    'A hundred whole families a second, all day: no desk needs more, a record system catches up with it.',
  ),
  budgets: limit(20_000, 'clients', 'Budgets kept; a full one need not be.'),

  familiesPerHour: limit(
    500,
    'families an hour and user',
    "A team manager going through a team's whole caseload opens 200; who copies the record opens thousands.",
  ),
  familiesPerHourSync: limit(
    100_000,
    'families an hour and client',
    'A record system that reads every family of a county anew does it within the hour.',
  ),

  answerBytes: limit(16_777_216, 'bytes', 'Three hundred pages of twenty whole families; what is more is asked for in pages.'),

  // The database, for each login and server.
  connectionsPerLogin: limit(10, 'connections', 'A statement takes 1 to 8 ms: 1,000 answers a second and organisation.'),
  connectionsPerUser: limit(8, 'connections', 'One user with slow questions leaves two for their colleagues.'),
  logins: limit(20, 'logins', 'Pools kept open; 20 × 10 connections, of which most are idle and closed again.'),
  waiting: limit(500, 'statements a login', 'At 1,000 a second the last waits half a second; the next is told to come again.'),
  writersPerLogin: limit(4, 'connections', 'A command takes some ten statements of less than a millisecond.'),
  idleSeconds: limit(30, 's', 'A connection costs the database 10 MB.'),
  lifeSeconds: limit(1_800, 's', 'Prepared statements of a connection are never given back but with it.'),
  tries: limit(4, 'times', 'A read whose connection was lost is asked again: several may be lost at once, when a database restarts.'),
  statementSeconds: limit(10, 's', 'The slowest question anybody should ask takes one; also the bound for a stolen login.'),
  lockSeconds: limit(5, 's', 'Writers of one family wait for each other for milliseconds.'),
  idleInTransactionSeconds: limit(15, 's', 'A transaction runs without a pause; one that stops holds locks.'),
  plansPerDocument: limit(200, 'plans', 'Clients × shapes of variables of one document; made anew when more.'),
  preparedPerLogin: limit(100, 'statements', 'A page statement costs 184 KB for each connection.'),

  // What is kept in memory.
  keysKeptSeconds: limit(
    600,
    's',
    'How long a signing key that its issuer has withdrawn may still be honoured; a checked token a minute more.',
  ),
  unknownKeySeconds: limit(
    30,
    's',
    'A token that names an unknown key has the keys fetched again, once in this time: anybody can name a key.',
  ),
  keyFetchGapSeconds: limit(
    5,
    's',
    'When the keys cannot be had nobody asks again for this long: each request would be one more for a server in trouble.',
  ),
  tokenHours: limit(24, 'h', 'Older tokens are refused whatever they say of their end.'),
  clockSkewSeconds: limit(5, 's', 'By so much may the clocks of issuer and server differ.'),
  tokensKept: limit(10_000, 'tokens', 'Users of a county at work.'),
  tokenKeptSeconds: limit(60, 's', 'How long a checked signature is not checked again; revocation is asked every time.'),
  standingKeptSeconds: limit(60, 's', 'Changes are told at once; this is for a connection that died without a word and tells nothing.'),
  standingsKept: limit(20_000, 'clients and users', 'Users of a county, twice.'),
  picturesKept: limit(500, 'pictures', 'Those of some ten districts and periods; each is 10 KB.'),
  disclosuresPerBatch: limit(500, 'records', 'One insert; 1 MB at most.'),
  monthAskedSeconds: limit(60, 's', 'How long after the end of a month records may still be added to it; an archive waits for an hour.'),
  talliedSeconds: limit(
    60,
    's',
    'Tokens that are none, and requests beyond a budget, are put on record once in this time, with their number.',
  ),
  indexSeconds: limit(5, 's', 'What is on record is made readable this often, and before anybody reads it; no answer waits for it.'),
  headSeconds: limit(5, 's', 'How often the newest hash of the record is signed and written outside the database.'),
  disclosuresWaiting: limit(20_000, 'records', 'Answers wait for their record; beyond this nothing more is answered.'),

  // Subscriptions: connections that stay open, and what is told on them.
  initSeconds: limit(5, 's', 'Who connects says at once who asks; nobody else holds a connection.'),
  socketsPerClient: limit(500, 'connections a client', 'A quarter of all: one application does not keep the others out.'),
  socketsPerUser: limit(10, 'connections a user', 'A person has some windows open, on two devices.'),
  subscriptions: limit(50, 'operations a connection', 'A page shows a few families; a caseload has thirty.'),
  keptVariables: limit(8_192, 'characters', 'The ids and cursor of a subscription, as JSON; they are kept as long as it lasts.'),
  operationIdCharacters: limit(128, 'characters', 'It is sent back with every event; a UUID has 36.'),
  messages: limit(300, 'messages in 10 s and connection', 'Six times the operations of a connection, begun and ended.'),
  unreadSeconds: limit(20, 's', 'How long a message may wait to be read: nothing more is made for a connection until it is.'),
  unreadBytes: limit(1_048_576, 'bytes', 'Answers to pings that nobody reads.'),
  pingSeconds: limit(30, 's', 'Less than a load balancer keeps a silent connection (60 s); who answers none until the next is gone.'),
  standingSeconds: limit(5, 's', 'How often who is connected is recognised anew when nothing happens; with every event it is as well.'),
  visibleSeconds: limit(
    60,
    's',
    'How often a family that is followed is looked for when nothing happens, each once for all who see the same.',
  ),
  newsSeconds: limit(5, 's', 'How often changes are looked for that nobody said, and rights that ended by the clock.'),
  newsRows: limit(5_000, 'changes', 'Read in one statement; the next one goes on.'),
  newsSharedSeconds: limit(1, 's', 'How long what was read for a change serves others who ask the same.'),
  closingSeconds: limit(2, 's', 'How long a connection that is being closed has to say so too.'),

  // The public directory: feeds of Open Referral UK, and what is served of it to anybody.
  serviceCharacters: limit(262_144, 'characters', 'A service with everything the profile has takes 6,000; with fifty places 60,000.'),
  faultsPerService: limit(20, 'faults', 'Enough to mend a record; what follows mostly follows from these.'),
  feedPageBytes: limit(16_777_216, 'bytes', 'A hundred services of the greatest length; a field of five megabytes is read, and refused.'),
  feedPages: limit(2_000, 'pages', 'A hundred thousand services by fifty; a feed that has no end is broken off here.'),
  feedSeconds: limit(30, 's', 'How long one page may take, with its body.'),
  feedRunSeconds: limit(1_800, 's', 'How long one feed may take as a whole; the next ones wait for it.'),
  feedPageServices: limit(1_000, 'services', 'A page is asked for with a hundred; one with more than this is refused.'),
  feedTries: limit(3, 'times', 'A page that fails is asked for again, after 1 and 4 seconds.'),
  feedRedirects: limit(3, 'redirects', 'From an old name to a new one, and to HTTPS.'),
  feedDetailsAtOnce: limit(4, 'requests', 'As many services are fetched side by side; a council’s server has other work.'),
  feedLines: limit(5_000, 'lines a run', 'What is reported of one run; the counts go on.'),
  voucherTries: limit(60, 'codes an hour and desk', 'Misread codes of a busy counter; of 2^80 codes nobody finds one by trying.'),
  publicBudget: limit(600, 'requests an address', 'A finder page loads some twenty.'),
  publicRestore: limit(10, 'requests a second and address', 'A harvester reads a thousand services in two minutes.'),
  publicPage: limit(100, 'services', 'A page, as in GraphQL.'),
  publicConnections: limit(4, 'connections', 'What is asked by anybody waits for itself, and not before those who work.'),

  // Webhooks: what is sent to record systems, and how often again.
  webhooks: limit(20, 'webhooks an organisation', 'A record system, its test, and a few that listen to one type each.'),
  webhookSeconds: limit(
    10,
    's',
    'A receiver stores what it gets and answers; what it does with it comes afterwards. A stopping server waits as long.',
  ),
  webhookRoundSeconds: limit(1, 's', 'How often each webhook looks what is new.'),
  webhookAtOnce: limit(8, 'requests a webhook', 'Of as many families side by side; those of one family wait for each other.'),
  feedCandidates: limit(500, 'rows', 'Looked at for a page of the feed; where the reader sees too few of them, eight times as many more.'),
  feedCandidatesMost: limit(32_000, 'rows', 'Then a page comes short: what the reader does not see in between can be told from no fewer.'),
  feedFamilies: limit(
    500,
    'families',
    'Gone through at a time for rows of types that few families have; at the third time a page comes short.',
  ),
  webhookWaiting: limit(1_000, 'events a webhook', 'What is beyond stays in the feed until these are sent.'),
  webhookAnswerBytes: limit(65_536, 'bytes', 'The status is all that counts; what is longer is not read.'),
  webhookTries: limit(10, 'times', 'With the waits of Standard Webhooks (5 s to 24 h) some three days; then it is a dead letter.'),
  webhookPauseSeconds: limit(
    300,
    's',
    'The longest pause of a receiver of which nothing gets through; one event at a time asks whether it is back.',
  ),
  webhookOverlapHours: limit(168, 'h', 'How long a secret may sign beside the one that follows it.'),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMIT_TABLE;

/** The limits' values. */
export const LIMITS = Object.fromEntries(Object.entries(LIMIT_TABLE).map(([name, { value }]) => [name, value])) as Record<
  LimitName,
  number
>;
