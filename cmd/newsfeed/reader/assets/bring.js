// What a sign-in would bring along is shown before it is done. The press that was meant
// to sign in shows it, and the next one does it.

/** preview shows in a form what its sign-in would merge; false when that is nothing, or is not told. */
export async function preview({ text, make }, form) {
  const merge = await ask(form.elements);
  if (!merge || !merge.added.length && !merge.overridden.length && !merge.left_out.length) return false;
  const named = new Map([...form.querySelectorAll('.held [data-topic]')].map((li) => [li.dataset.topic, li.textContent]));
  const name = (topic) => named.get(topic) ?? topic;
  const level = (l) => text('was-' + (l ?? 'none'));
  const box = make('div', { className: 'preview', tabIndex: -1 });
  const tell = (title, topics, line) => {
    if (topics.length) box.append(make('h2', {}, title), make('ul', { className: 'said' }, ...topics.map((t) => make('li', { dir: 'auto' }, line(t)))));
  };
  tell(text('will-be-added', { n: merge.added.length }), merge.added, name);
  tell(text('will-differ', { n: merge.overridden.length }), merge.overridden, ({ topic, kept, dropped }) => text('will-be', { name: name(topic), kept: level(kept), dropped: level(dropped) }));
  tell(text('will-be-left-out', { n: merge.left_out.length }), merge.left_out, name);
  const button = form.querySelector('button.main'), was = button.textContent;
  button.textContent = text('sign-in-and-bring');
  button.parentElement.before(box);
  box.focus();
  form.addEventListener('input', () => { // another entry, or another choice
    delete form.dataset.shown;
    button.textContent = was;
    box.remove();
  }, { once: true });
  return true;
}

// ask asks what the merge would be. What is wrong with the entry the service says in
// words when the form is sent.
async function ask({ email, password }) {
  try {
    const response = await fetch('/merges/preview', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: email.value, password: password.value }) });
    return response.ok ? (await response.json()).merge : undefined;
  } catch {
    return undefined;
  }
}
