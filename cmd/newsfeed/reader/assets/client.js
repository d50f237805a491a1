// client.js keeps a person's list of interests in a browser: it shows the list
// and takes edits without a network, stamps them, and brings them to the server
// and the server's to this browser when there is one. What the server has lost
// it gives back. interests/client is the same in Go; both pass the same traces.
//
//   import { open } from 'https://news.example/client.js';
//   const list = await open({ account, url: 'https://news.example', token });
//   list.interests();                      // [{topic, level, pending}], also offline
//   await list.set('iran', 'follow');      // 'favourite', 'mute', null: remove
//   list.subscribe(({ problems, stopped }) => …);
//
// Without a token the reader's cookie says who asks, on its own origin only. A
// token is never stored. Everything stored is under the account that made it, and
// is sent for no other.

const LEVELS = ['follow', 'favourite', 'mute', null]; // of equal stamps the later one wins
const MAX_OPS = 200; // edits a call
const MAX_COUNTER = 0x7fff; // of a stamp: the server refuses greater ones that are ahead
const MAX_IDLE = 3; // calls in a row after which no edit had a result
const MAX_REMOVALS = 1000; // remembered
const REMOVAL_KEPT = 90 * 24 * 3600e3; // ms
const MAX_ABANDONED = 256;
const SKEW_IGNORED = 30e3; // ms that clocks may differ before that is corrected for
const TIMEOUT = 30e3; // ms of a call
const OTHERS = 2e3; // ms after which a tab sends what another tab has not

// The state: what the server had at `revision` (topics), and the edits without a
// result, one a topic. Plain functions change it, below; a store keeps it.

const fresh = (account) => ({
  account,
  device: hex(crypto.getRandomValues(new Uint8Array(8))),
  clock: '', // the newest stamp made or seen
  skew: 0, // the server's clock less this one's, ms
  next: 0, // number of the next edit
  known: false, // topics are the server's at revision; false: ask for the whole list
  revision: 0,
  topics: new Map(), // topic → {level, at}, remembered removals included
  pending: [], // {number, topic, level, at, again}
  abandoned: [], // stamps of edits that were stamped anew or replaced: a call with one may still arrive, and win
});

const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
const millis = (stamp) => parseInt(stamp.slice(0, 12) || '0', 16);
const counter = (stamp) => parseInt(stamp.slice(12, 16) || '0', 16);
const stampOf = (ms, count, device) => ms.toString(16).padStart(12, '0') + count.toString(16).padStart(4, '0') + device;
const earlier = (a, b) => !a || a.at < b.at || (a.at === b.at && LEVELS.indexOf(a.level) < LEVELS.indexOf(b.level));
const join = (a, b) => (earlier(a, b) ? b : a);
const by = (key) => (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);

// tick moves the clock to the smallest stamp that is not before a time and after
// all that was made or seen here: a hybrid logical clock.
export function tick(state, time) {
  let ms = Math.max(Math.trunc(time), 0), count = 0;
  const seen = millis(state.clock);
  if (seen >= ms) {
    ms = seen;
    count = counter(state.clock) + 1;
    if (count > MAX_COUNTER) [ms, count] = [seen + 1, 0];
  }
  return (state.clock = stampOf(ms, count, state.device));
}

const see = (state, at) => { if (at > state.clock) state.clock = at; };

// edit takes the place of an earlier edit of the topic that still waits.
function edit(state, topic, level, now) {
  for (const e of state.pending) if (e.topic === topic) abandon(state, e.at);
  state.pending = state.pending.filter((e) => e.topic !== topic);
  state.pending.push({ number: state.next++, topic, level, at: tick(state, now + state.skew) });
}

// restamp gives the edits that wait new stamps in their order, from the server's
// time and after everything in the list: theirs are of a clock that is ahead.
function restamp(state, now) {
  state.clock = '';
  for (const { at } of state.topics.values()) see(state, at);
  for (const e of state.pending) {
    abandon(state, e.at);
    e.at = tick(state, now);
  }
}

const abandon = (state, at) => { state.abandoned = [...(state.abandoned ?? []), at].slice(-MAX_ABANDONED); };

// view is what people see: the server's list joined with the edits that wait.
function view(state) {
  const all = new Map(state.topics);
  for (const { topic, level, at } of state.pending) all.set(topic, join(all.get(topic), { level, at }));
  const waits = new Set(state.pending.map((e) => e.topic));
  return [...all].filter(([, r]) => r.level).map(([topic, { level }]) => ({ topic, level, pending: waits.has(topic) }))
    .sort(by((i) => i.topic));
}

// digest is that of API.md: FNV-1a 64 of each topic with a level, summed.
function digest(topics) {
  const text = new TextEncoder();
  let sum = 0n;
  for (const [topic, { level, at }] of topics) {
    if (!level) continue;
    let h = 0xcbf29ce484222325n;
    for (const b of text.encode(`${topic}\0${level}\0${at}`)) h = BigInt.asUintN(64, (h ^ BigInt(b)) * 0x100000001b3n);
    sum = BigInt.asUintN(64, sum + h);
  }
  return sum.toString(16).padStart(16, '0');
}

function question(state) {
  const ops = state.pending.slice(0, MAX_OPS).map(({ number, topic, level, at }) => ({ id: String(number), topic, level, at }));
  const known = state.known ? { since: state.revision, digest: digest(state.topics) } : {};
  return { device: state.device, ...known, ops };
}

// asks reports whether the state still is the one that a question was made of.
const asks = (state, q) => state.known === ('since' in q) && (!state.known || q.since === state.revision);

// reconcile takes an answer in, and returns the edits that were refused. What was
// held here and is newer than the answer or, when that is the whole list, missing
// from it, is queued to be sent again: the server has lost it.
function reconcile(state, q, a, now) {
  check(q, a);
  const time = Date.parse(a.now), skew = time - now, held = state.topics;
  state.skew = Math.abs(skew) > SKEW_IGNORED ? skew : 0;
  state.topics = new Map(a.full ? [] : held);
  for (const { topic, level, at } of a.changes) {
    state.topics.set(topic, { level, at });
    see(state, at);
  }
  // Topics that the list now has by an abandoned stamp: an edit of this device's own
  // arrived after all, and won over what its person said later.
  const strays = a.changes.filter((c) => held.get(c.topic)?.at !== c.at && state.abandoned?.includes(c.at)).map((c) => c.topic);
  const [problems, refused] = settle(state, q.ops, a.results, strays);
  const late = takeBack(state, held, strays, time) || refused;
  sendAgain(state, held);
  forgetRemovals(state, time);
  state.revision = a.revision;
  state.known = digest(state.topics) === a.digest;
  if (late) restamp(state, time);
  return problems;
}

// check refuses an answer that is none to a question, before any of it is used.
function check(q, a) {
  const right = Number.isSafeInteger(a?.revision) && a.revision >= 0 && a.now && Date.parse(a.now) >= 0
    && ('since' in q || a.full) && Array.isArray(a.changes) && Array.isArray(a.results)
    && a.changes.every((c) => c.topic && typeof c.topic === 'string' && LEVELS.includes(c.level) && /^[0-9a-f]{32}$/.test(c.at))
    && a.results.length === q.ops.length
    && a.results.every((r, i) => r.id === q.ops[i].id
      && (['applied', 'superseded', 'duplicate'].includes(r.status) || (r.status === 'rejected' && r.problem)));
  if (!right) throw new Error('the answer is not one of this call’s');
}

// takeBack says again what strays have won over: what waits is to be stamped anew
// (true), and what was held is edited anew.
function takeBack(state, held, strays, now) {
  let late = false;
  for (const topic of strays) {
    const is = state.topics.get(topic), was = held.get(topic), e = state.pending.find((p) => p.topic === topic);
    if (e) late ||= e.at < is.at;
    else if (was && was.level !== is.level && was.at < is.at) {
      state.pending.push({ number: state.next++, topic, level: was.level, at: tick(state, now) });
    }
  }
  return late;
}

function settle(state, ops, results, strays) {
  const problems = [];
  let late = false;
  for (const [n, { id, status, problem }] of results.entries()) {
    const e = state.pending.find((p) => String(p.number) === id);
    if (!e) continue; // a later edit of the topic has taken its place
    if (e.at !== ops[n].at) continue; // stamped anew meanwhile: this is no answer to what it is now
    const { topic, level, at, again } = e;
    if (status === 'superseded' && strays.includes(topic)) {
      late = true;
      continue;
    }
    if (status === 'applied' || status === 'duplicate') {
      state.topics.set(topic, join(state.topics.get(topic), { level, at }));
    } else if (status === 'rejected') {
      if (problem.type === 'clock-ahead') {
        late = true;
        continue;
      }
      // What is sent again and is too old was removed elsewhere, long ago.
      if (!again || problem.type !== 'too-old') problems.push({ topic, level, problem });
    }
    state.pending.splice(state.pending.indexOf(e), 1);
  }
  return [problems, late];
}

function sendAgain(state, held) {
  const waits = new Map(state.pending.map((e) => [e.topic, e]));
  const lost = [...held].filter(([topic, r]) => earlier(state.topics.get(topic), r) && (!waits.has(topic) || earlier(waits.get(topic), r)))
    .map(([topic, r]) => ({ topic, ...r, again: true })).sort(by((e) => e.at + e.topic));
  for (const e of lost) e.number = state.next++;
  state.pending = [...lost, ...state.pending];
}

// forgetRemovals drops the oldest removals, as the server does.
function forgetRemovals(state, now) {
  const removals = [...state.topics].filter(([, r]) => !r.level).sort(by(([, r]) => r.at)).reverse();
  removals.forEach(([topic, r], i) => {
    if (i >= MAX_REMOVALS || millis(r.at) < now - REMOVAL_KEPT) state.topics.delete(topic);
  });
}

// Stores keep one state an account. update lets a plain function edit the state,
// nobody else between, and resolves to what it returns when that is durable.

/** memoryStore keeps states as long as the page lives. */
export function memoryStore(states = new Map()) {
  return {
    read: async (account) => structuredClone(states.get(account)),
    update: async (account, change) => {
      const state = structuredClone(states.get(account)) ?? fresh(account);
      const result = change(state);
      states.set(account, structuredClone(state));
      return result;
    },
    remove: async (account) => { states.delete(account); },
    close() {},
  };
}

/** indexedStore keeps states in IndexedDB, under a name for each service. */
export async function indexedStore(name) {
  let db;
  const lost = () => { db = undefined; }; // browsers may end a connection: the next call makes another
  const connect = async () => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('lists', { keyPath: 'account' });
    db = await settled(opening);
    db.onclose = lost;
    db.onversionchange = () => { db?.close(); lost(); };
  };
  const within = async (mode, work) => {
    if (!db) await connect();
    return transact(db, mode, work);
  };
  await connect();
  return {
    read: (account) => within('readonly', (lists, is) => {
      const got = lists.get(account);
      got.onsuccess = () => is(got.result);
    }),
    update: (account, change) => within('readwrite', (lists, is, transaction) => {
      const got = lists.get(account);
      got.onsuccess = () => {
        try {
          const state = got.result ?? fresh(account);
          is(change(state));
          lists.put(state);
        } catch (error) {
          is(error);
          transaction.abort();
        }
      };
    }),
    remove: (account) => within('readwrite', (lists) => lists.delete(account)),
    close: () => { db?.close(); lost(); },
  };
}

function transact(db, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction('lists', mode, { durability: 'strict' });
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error ?? result);
    work(transaction.objectStore('lists'), (r) => { result = r; }, transaction);
  });
}

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * open returns the list of an account in this browser. It makes no call before it
 * resolves; then it syncs by itself: now, after edits, when the network is back,
 * and after failures again and again.
 *
 * token: a string or a function that returns one; none: the cookie, on the
 * reader's own origin. auto: false leaves every sync to the caller. The rest is
 * for tests: store, fetch, now (ms), random (0 to 1).
 */
export async function open({ account, url = '', token, auto = true, store, fetch = globalThis.fetch.bind(globalThis), now = Date.now, random = Math.random }) {
  if (!account) throw new TypeError('account is missing');
  const base = url.replace(/\/$/, '');
  const { origin } = new URL(base || '/', location.href);
  if (!token && origin !== location.origin) throw new TypeError('another origin needs a token');
  const name = `newsfeed ${origin}`;
  store ??= await indexedStore(name);
  const list = new List({ account, base, token, auto, store, fetch, now, random, name: `${name} ${account}` });
  await list.begin();
  return list;
}

class List {
  #o; #state; #closed = false; #stopped; #failures = 0;
  #timer; #due = Infinity; #rest = 0; #asked; #tail = Promise.resolve();
  #listeners = new Set(); #channel; #ending = new AbortController();
  #wake = () => { if (!this.#asked) this.#rest = 0; this.#schedule(0); };

  constructor(options) { this.#o = options; }

  async begin() {
    const { auto, name } = this.#o;
    await this.#update(() => {});
    if (globalThis.BroadcastChannel) {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = () => this.#heard();
    }
    if (!auto) return;
    addEventListener('online', this.#wake);
    this.#schedule(0);
  }

  get account() { return this.#o.account; }

  /** interests: [{topic, level, pending}], sorted by topic; pending: not confirmed by the server. */
  interests() { return view(this.#state); }

  /** edits: [{topic, level}] that have no result yet, in their order; of a removal the level is null. */
  edits() { return this.#state.pending.map(({ topic, level }) => ({ topic, level })); }

  /** waiting: how many edits have no result yet. */
  get waiting() { return this.#state.pending.length; }

  /** set puts a topic at 'follow', 'favourite', 'mute' or null (remove). The edit is durable here when it resolves. */
  async set(topic, level) {
    const bytes = typeof topic === 'string' && topic.isWellFormed?.() !== false ? new TextEncoder().encode(topic).length : 0;
    if (bytes < 1 || bytes > 64) throw new TypeError('an id of a topic has 1 to 64 bytes');
    if (!LEVELS.includes(level)) throw new TypeError('a level is follow, favourite, mute or null');
    await this.#update((state) => edit(state, topic, level, this.#o.now()));
    this.#tell({});
    this.#schedule(0);
  }

  /**
   * subscribe has a function called with {problems, stopped} when the list may be
   * another. problems: [{topic, level, problem}], edits that the server refused for
   * good; they are gone. stopped: the server does not take who asks; edits are
   * kept for this account until it is opened again. Returns what ends that.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * sync sends the edits that wait and takes in what the server has; one tab at a
   * time. It rejects when there was no answer that helps (error.wait: ms until it
   * is worth trying again) or nobody is signed in (error.stopped).
   */
  sync() {
    const turn = this.#tail.then(() => this.#alone(() => this.#sync()));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  /** close ends everything here; what is stored stays. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#ending.abort();
    globalThis.removeEventListener?.('online', this.#wake);
    this.#channel?.close();
    this.#listeners.clear();
    this.#tail.then(() => this.#o.store.close());
  }

  /** forget drops the account's list from this browser, edits that wait included, and closes. */
  async forget() {
    this.#check();
    await this.#o.store.remove(this.#o.account);
    this.#channel?.postMessage('forgotten');
    this.close();
  }

  #check() { if (this.#closed) throw new Error('the list is closed'); }

  async #update(change) {
    this.#check();
    const { store, account } = this.#o;
    let next;
    const result = await store.update(account, (state) => {
      next = state;
      return change(state);
    });
    this.#state = next;
    return result;
  }

  #tell(event) {
    this.#channel?.postMessage('changed');
    this.#call(event);
  }

  #call(event) {
    for (const listener of [...this.#listeners]) {
      try { listener(event); } catch (error) { reportError(error); }
    }
  }

  // heard takes in what another tab did. Edits it may not live to send are sent
  // from here, a little later.
  async #heard() {
    const { store, account } = this.#o;
    const state = await store.read(account).catch(() => {});
    if (this.#closed) return;
    if (!state) return this.close();
    this.#state = state;
    this.#call({});
    if (state.pending.length) this.#schedule(OTHERS * (1 + this.#o.random()));
  }

  // alone waits for other tabs. Where there are no locks two tabs may sync at the
  // same time: that costs a call, and nothing else (see asks).
  #alone(work) {
    const signal = this.#ending.signal;
    return navigator.locks ? navigator.locks.request(this.#o.name, { signal }, work) : work();
  }

  async #sync() {
    try {
      for (let idle = 0; idle < MAX_IDLE; idle++) {
        const { more, ended } = await this.#exchange();
        if (ended) idle = -1;
        if (!more) {
          this.#failures = this.#rest = 0;
          this.#stopped = false;
          return;
        }
      }
      throw new Error('no edit has a result');
    } catch (error) {
      if (error.stopped) {
        this.#stopped = true;
        this.#call({ stopped: true });
      } else {
        error.wait = (error.wait ?? 0) + backoff(++this.#failures, this.#o.random());
        this.#rest = performance.now() + error.wait;
        this.#asked = error.status; // a network that is back does not hurry a server that answered
      }
      throw error;
    }
  }

  async #exchange() {
    const q = await this.#update(question);
    const a = await this.#ask(q);
    const { result, problems } = await this.#update((state) => {
      if (!asks(state, q)) return { result: { more: true } };
      const before = state.pending.length;
      const problems = reconcile(state, q, a, this.#o.now());
      const waits = state.pending.length;
      return { result: { ended: waits < before, more: waits > 0 || (!state.known && !a.full) }, problems };
    });
    this.#tell(problems?.length ? { problems } : {});
    return result;
  }

  async #ask(q) {
    const { base, token, account, fetch } = this.#o;
    const bearer = typeof token === 'function' ? await token() : token;
    const response = await fetch(`${base}/interests/sync`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(bearer ? { Authorization: `Bearer ${bearer}` } : { 'X-Account': account }) },
      body: JSON.stringify(q),
      credentials: bearer ? 'omit' : 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(TIMEOUT)]),
    });
    if (response.ok) return response.json();
    const error = new Error(`the service answered ${response.status}`);
    error.status = response.status;
    error.stopped = response.status === 401 || response.status === 403;
    error.wait = asked(response.headers.get('Retry-After'), this.#o.now());
    throw error;
  }

  // schedule has a sync made after a time (ms), not before the rest that follows a failure.
  #schedule(wait) {
    const now = performance.now(), at = Math.max(now + wait, this.#rest);
    if (!this.#o.auto || this.#closed || this.#stopped || at >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.sync().catch((error) => this.#schedule(error.wait ?? Infinity));
    }, at - now);
  }
}

// backoff is how long to wait (ms) after failures in a row: doubled with each, and
// spread over half of that, so that not all come back at the same moment.
function backoff(failures, random) {
  const wait = Math.min(300e3, 1e3 * 2 ** Math.min(failures - 1, 20));
  return wait / 2 + random * (wait / 2);
}

// asked is how long (ms) a server asks to be left alone, an hour at most.
function asked(header, now) {
  const wait = /^\d+$/.test(header ?? '') ? header * 1e3 : Date.parse(header ?? '') - now;
  return Math.min(Math.max(wait || 0, 0), 3600e3);
}
