// Marks that are set without the service are kept on this device, under the account that
// set them and with the stamps of its clock, and sent when the service is back: those of
// a story that is marked elsewhere too are decided by their stamps, as edits of topics
// are (see client.js, whose stores keep these as well).
import { indexedStore, tick } from '/client.js';

const MOST = 200; // edits a call
const CALLS = 20; // in a row, after which something is wrong
const TIMEOUT = 30e3; // ms of a call
const SKEW_IGNORED = 30e3; // ms that clocks may differ before that is corrected for

let opening;
const stored = () => (opening ??= indexedStore(`newsfeed marks ${location.origin}`));

/** keep keeps a mark ('read', 'saved', 'hidden') of a story, set or taken back; durable when it resolves. */
export async function keep(account, story, mark, value) {
  await (await stored()).update(account, (state) => {
    state.pending = state.pending.filter((e) => e.story !== story || e.mark !== mark);
    state.pending.push({ number: state.next++, story, mark, value, at: tick(state, Date.now() + state.skew) });
  });
}

/** waiting returns the marks of an account that are not sent: [{story, mark, value}]. */
export const waiting = async (account) => (await (await stored()).read(account))?.pending ?? [];

/** drop forgets what waits. */
export const drop = async (account) => (await stored()).remove(account);

/**
 * send sends what waits, one tab at a time, and resolves to how many marks the service
 * refused for good. It rejects when there was no answer that helps; error.status is the
 * one that came.
 */
export function send(account) {
  const work = async () => {
    let refused = 0;
    for (let call = 0; call < CALLS; call++) {
      const state = await (await stored()).read(account);
      if (!state?.pending.length) return refused;
      const ops = state.pending.slice(0, MOST).map(({ number, ...op }) => ({ id: String(number), ...op }));
      const known = state.digest ? { since: state.revision, digest: state.digest } : {};
      const answer = await ask(account, { device: state.device, ...known, ops });
      refused += await (await stored()).update(account, (s) => settle(s, ops, answer));
    }
    throw new Error('no mark has a result');
  };
  return navigator.locks ? navigator.locks.request(`newsfeed marks ${account}`, work) : work();
}

async function ask(account, question) {
  const response = await fetch('/marks/sync', {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Account': account }, body: JSON.stringify(question),
    cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!response.ok) throw Object.assign(new Error(`the service answered ${response.status}`), { status: response.status });
  const answer = await response.json();
  if (!Array.isArray(answer.changes) || answer.results?.length !== question.ops.length || !(Date.parse(answer.now) > 0)) throw new Error('the answer is not one of this call’s');
  return answer;
}

// settle takes an answer in. Marks whose stamps are ahead of the server's clock are all
// stamped anew, in their order.
function settle(state, ops, answer) {
  const time = Date.parse(answer.now), skew = time - Date.now();
  state.skew = Math.abs(skew) > SKEW_IGNORED ? skew : 0;
  [state.revision, state.digest] = [answer.revision, answer.digest];
  const seen = answer.changes.reduce((newest, { at }) => (at > newest ? at : newest), '');
  if (seen > state.clock) state.clock = seen;
  let refused = 0, late = false;
  answer.results.forEach(({ id, status, problem }, i) => {
    const n = state.pending.findIndex((e) => String(e.number) === id && e.at === ops[i].at);
    if (n < 0) return; // another has taken its place
    if (status === 'rejected' && problem?.type === 'clock-ahead') {
      late = true;
      return;
    }
    if (status === 'rejected') refused++;
    state.pending.splice(n, 1);
  });
  if (late) {
    state.clock = seen;
    for (const e of state.pending) e.at = tick(state, time);
  }
  return refused;
}
