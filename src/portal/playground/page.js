// The playground's page: fills the bar above GraphiQL and keeps the two in step.
// React, ReactDOM and GraphiQL are the ready-built files loaded before this one.

const { React, ReactDOM, GraphiQL } = window;
const h = React.createElement;

const mount = document.getElementById('graphiql');
const clientSelect = document.getElementById('client');
const purposeSelect = document.getElementById('purpose');
const tokenInput = document.getElementById('token');
const note = document.getElementById('note');
const settings = mount.dataset;

// GraphiQL's dialogs add a style element and look for its nonce under this name.
window.__webpack_nonce__ = settings.styleNonce;

const FetcherContext = React.createContext(null);

/** The client and purpose on show; anything that arrives for an earlier pair is out of date. */
let current = null;

/** Shows one line in the bar; screen readers hear it. */
function say(text, problem = false) {
  note.textContent = text;
  note.classList.toggle('problem', problem);
}

function nameOf(client) {
  return client.userLabel ? `${client.label}, ${client.userLabel}` : client.label;
}

/** What the address says, falling back to the first client and its usual purpose. */
function readHash(clients) {
  const hash = new URLSearchParams(location.hash.slice(1));
  const user = hash.get('user');
  const client =
    clients.find((one) => one.id === hash.get('client') && one.user === user) ??
    clients.find((one) => one.id === hash.get('client')) ??
    clients[0];
  const asked = hash.get('purpose');
  const purpose = client.purposes.includes(asked) ? asked : client.defaultPurpose;
  return { client, purpose };
}

function toHash({ client, purpose }) {
  const hash = new URLSearchParams({ client: client.id });
  if (client.user !== null) {
    hash.set('user', client.user);
  }
  if (purpose) {
    hash.set('purpose', purpose);
  }
  return `#${hash}`;
}

async function requestToken(client) {
  if (client.own) {
    const token = tokenInput.value.trim();
    if (token === '') {
      throw new Error('Paste an access token of your identity provider.');
    }
    return { token, renewAt: Infinity };
  }
  const response = await fetch('/playground/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client: client.id, user: client.user }),
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(body.error ?? `No token: the server answered ${response.status}.`);
  }
  // Renew a little early, so that a token does not lapse on its way.
  const renewAt = body.expiresIn === undefined ? Infinity : Date.now() + (body.expiresIn - 10) * 1000;
  return { token: body.token, renewAt };
}

/** A source of tokens for one selection: one request however many callers, renewed when due. */
function tokenSource(selection) {
  let pending = null;
  const renew = () => {
    pending = requestToken(selection.client);
    pending.catch((error) => {
      pending = null;
      if (selection === current) {
        say(error.message, true);
      }
    });
    return pending;
  };
  return async (fresh) => {
    const held = fresh || pending === null ? await renew() : await pending;
    return held.renewAt > Date.now() ? held.token : (await renew()).token;
  };
}

/** GraphiQL's way to the API, as one client and for one purpose. */
function fetcherFor(selection) {
  const { purpose } = selection;
  const token = tokenSource(selection);

  const send = async (params, options, fresh) => {
    const headers = new Headers(options?.headers);
    // Set last: the headers pane must not make the answer disagree with the bar.
    headers.set('authorization', `Bearer ${await token(fresh)}`);
    if (purpose) {
      headers.set('x-purpose-of-use', purpose);
    }
    headers.set('content-type', 'application/json');
    headers.set('accept', 'application/graphql-response+json, application/json');
    return fetch(settings.endpoint, { method: 'POST', headers, body: JSON.stringify(params) });
  };

  return async (params, options) => {
    let response = await send(params, options, false);
    if (response.status === 401) {
      response = await send(params, options, true);
    }
    const text = await response.text();
    if (selection !== current) {
      throw new Error('This answer was for the client chosen before, so it is not shown.');
    }
    try {
      // The data stands first: what is shared is read before what is not.
      const { data, ...rest } = JSON.parse(text);
      return data === undefined ? rest : { data, ...rest };
    } catch {
      throw new Error(`The server answered ${response.status}: ${text.slice(0, 500)}`);
    }
  };
}

/** Which kind of operation the run button would send: query, mutation, subscription or none. */
function kindOf(editor) {
  try {
    const parsed = GraphiQL.GraphQL.parse(editor.getValue());
    return GraphiQL.GraphQL.getOperationAST(parsed, editor.operationName)?.operation;
  } catch {
    return undefined;
  }
}

/** Tab leaves an editor, as it leaves any other field; otherwise the keyboard is trapped in it. */
function useReachableEditor(editor, label) {
  React.useEffect(() => {
    if (editor) {
      editor.addKeyMap({ Tab: false, 'Shift-Tab': false }, true);
      editor.getInputField().setAttribute('aria-label', label);
    }
  }, [editor, label]);
}

/** Sits unseen in GraphiQL's toolbar, where its contexts can be reached, and asks again on a switch. */
function AskAgain() {
  const fetcher = React.useContext(FetcherContext);
  const { run, stop } = GraphiQL.React.useExecutionContext({ nonNull: true });
  const editors = GraphiQL.React.useEditorContext({ nonNull: true });
  const { queryEditor, variableEditor, headerEditor, responseEditor } = editors;
  const ready = Boolean(queryEditor && variableEditor && responseEditor);
  const tab = editors.tabs[editors.activeTabIndex].id;
  const answeredFor = React.useRef(new Map());

  useReachableEditor(queryEditor, 'Query');
  useReachableEditor(variableEditor, 'Variables');
  useReachableEditor(headerEditor, 'Headers');
  useReachableEditor(responseEditor, 'Answer');

  // One agency's answer must not stand under another agency's name, even for a moment
  // and even in a tab left and come back to: so before the browser paints, not after.
  React.useLayoutEffect(() => {
    if (ready && answeredFor.current.get(tab) !== fetcher) {
      answeredFor.current.set(tab, fetcher);
      responseEditor.setValue('');
      editors.updateActiveTabValues({ response: '' });
    }
  }, [fetcher, ready, tab]);

  // run and stop are new on every render; only a new fetcher is a reason to ask again.
  React.useEffect(() => {
    if (!ready) {
      return;
    }
    stop();
    const kind = kindOf(queryEditor);
    if (kind === 'query') {
      run();
    } else if (kind === 'mutation') {
      // A family's record changes when someone asks for it, never because a menu moved.
      say('A change is not sent again on a switch. Run it when you mean it.');
    }
  }, [fetcher, ready]);

  return null;
}

/**
 * Keeps the reader's query for as long as the browser tab is open and no longer:
 * what is typed here may name a family, and the machine may be shared.
 */
function openStorage() {
  const marker = 'playground:first';
  const first = JSON.stringify([settings.document, settings.variables]);
  if (sessionStorage.getItem(marker) !== first) {
    sessionStorage.clear();
    sessionStorage.setItem(marker, first);
    sessionStorage.setItem('graphiql:query', settings.document);
    sessionStorage.setItem('graphiql:variables', settings.variables);
  }
  return {
    getItem: (key) => sessionStorage.getItem(key),
    setItem: (key, value) => sessionStorage.setItem(key, value),
    removeItem: (key) => sessionStorage.removeItem(key),
    clear: () => sessionStorage.clear(),
    get length() {
      return sessionStorage.length;
    },
  };
}

const storage = openStorage();
const toolbar = { additionalComponent: AskAgain };
const root = ReactDOM.createRoot(mount);

function render(fetcher) {
  const editor = h(GraphiQL, {
    fetcher,
    storage,
    toolbar,
    shouldPersistHeaders: false,
    inputValueDeprecation: true,
    schemaDescription: true,
    defaultEditorToolsVisibility: 'variables',
    // With room to spare the schema stands open, so that a switch shows it change.
    visiblePlugin: window.innerWidth >= 1200 ? GraphiQL.React.DOC_EXPLORER_PLUGIN : undefined,
  });
  root.render(h(FetcherContext.Provider, { value: fetcher }, editor));
}

function option(value, text) {
  const element = document.createElement('option');
  element.value = value;
  element.textContent = text;
  return element;
}

function fillClients(clients) {
  for (const agency of new Set(clients.map((one) => one.agency))) {
    const group = document.createElement('optgroup');
    group.label = agency;
    clients.forEach((one, index) => {
      if (one.agency === agency) {
        group.append(option(String(index), nameOf(one)));
      }
    });
    clientSelect.append(group);
  }
  clientSelect.disabled = false;
}

function fillPurposes(client, purpose) {
  purposeSelect.replaceChildren(...client.purposes.map((one) => option(one, one)));
  purposeSelect.value = purpose;
  purposeSelect.disabled = client.purposes.length === 0;
}

/** The address is the one place the choice is kept: menus write it, this reads it. */
function follow(clients) {
  const selection = readHash(clients);
  current = selection;
  clientSelect.value = String(clients.indexOf(selection.client));
  fillPurposes(selection.client, selection.purpose);
  document.title = `${selection.client.label} · Playground`;
  say(`Schema and answer are those of ${nameOf(selection.client)}.`);
  render(fetcherFor(selection));
}

/** Where nobody is listed, the reader brings a token; it is kept in the field alone. */
function ownClient() {
  const purposes = settings.purposes.split(' ');
  return { own: true, id: 'own', label: 'your token', agency: '', user: null, userLabel: null, purposes, defaultPurpose: purposes[0] };
}

async function start() {
  const response = await fetch('/playground/clients');
  if (!response.ok) {
    throw new Error(`The list of clients could not be read (${response.status}).`);
  }
  const listed = await response.json();
  const clients = listed.length > 0 ? listed : [ownClient()];
  if (listed.length === 0) {
    document.getElementById('listed').hidden = true;
    document.getElementById('own').hidden = false;
    // A new token may be of another organisation: schema and answer are asked for anew.
    tokenInput.addEventListener('change', () => follow(clients));
  }
  fillClients(clients);
  clientSelect.addEventListener('change', () => {
    const client = clients[Number(clientSelect.value)];
    location.hash = toHash({ client, purpose: client.defaultPurpose });
  });
  purposeSelect.addEventListener('change', () => {
    const client = clients[Number(clientSelect.value)];
    location.hash = toHash({ client, purpose: purposeSelect.value });
  });
  window.addEventListener('hashchange', () => follow(clients));
  history.replaceState(null, '', toHash(readHash(clients)));
  follow(clients);
}

start().catch((error) => say(error.message, true));
