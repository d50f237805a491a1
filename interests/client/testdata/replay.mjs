// replay plays a trace (see README.md) with client.js, on a store, and returns
// what differs, "" when nothing does.
export async function replay(open, store, account, trace) {
  const tabs = new Map();
  let now = 0, calls = [], problems = [], wrong = '';
  const differ = (text) => { wrong ||= text; };
  const same = (what, got, want) => {
    if (canonical(got) !== canonical(want)) differ(`${what}: got ${canonical(got)}, want ${canonical(want)}`);
  };

  const fetch = async (url, init) => {
    const call = calls.shift();
    if (!call) {
      differ(`one more call: ${init.body}`);
      throw new TypeError('no such call in the trace');
    }
    same('sent', JSON.parse(init.body), call.sent);
    same('called', [init.method, url, init.headers.Authorization, init.credentials],
      ['POST', 'https://news.example/interests/sync', 'Bearer a-token', 'omit']);
    for (const step of call.meanwhile ?? []) await play(step);
    if (call.lost) throw new TypeError('the connection broke');
    return new Response(JSON.stringify(call.answer), { status: call.status, headers: call.headers });
  };

  const tabOf = async (n = 0) => {
    if (!tabs.has(n)) {
      const list = await open({ account, url: 'https://news.example/', token: 'a-token', auto: false, store, fetch, now: () => now, random: () => 0.5 });
      list.subscribe((e) => problems.push(...(e.problems ?? []).map((p) => ({ topic: p.topic, level: p.level, type: p.problem.type }))));
      tabs.set(n, list);
    }
    return tabs.get(n);
  };

  const play = async (step) => {
    if (step.now) now = Date.parse(step.now);
    const list = await tabOf(step.tab);
    switch (step.do) {
      case 'set': return list.set(step.topic, step.level);
      case 'reload': {
        list.close();
        return tabs.delete(step.tab ?? 0);
      }
      case 'see': {
        // What another tab did is heard of a moment later.
        const want = [step.interests ?? [], step.waiting ?? 0], seen = () => [list.interests(), list.waiting];
        for (let i = 0; i < 400 && canonical(seen()) !== canonical(want); i++) await new Promise((done) => setTimeout(done, 5));
        return same('sees', seen(), want);
      }
      case 'sync': {
        calls = [...step.calls];
        const got = await list.sync().then(() => ['done', 0], (e) => (e.stopped ? ['stopped', 0] : ['retry', e.wait]));
        same('ends', got, [step.ends, step.wait_ms ?? 0]);
        same('calls not made', calls.length, 0);
        same('problems', problems, step.problems ?? []);
        problems = [];
        return undefined;
      }
      default: return differ(`no step is called ${step.do}`);
    }
  };

  for (const [i, step] of trace.steps.entries()) {
    try {
      await play(step);
    } catch (error) {
      differ(String(error.stack ?? error));
    }
    if (wrong) {
      wrong = `step ${i}: ${wrong}`;
      break;
    }
  }
  for (const list of tabs.values()) list.close();
  return wrong;
}

const canonical = (value) => JSON.stringify(value, (_, v) => (v && typeof v === 'object' && !Array.isArray(v)
  ? Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)) : v)); // entries: a key may be called __proto__
