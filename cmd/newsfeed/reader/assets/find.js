// Topics are found while one types. The box is a combobox with a list of what there is
// (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/): arrows choose, Enter opens the
// topic's page or, with none chosen, searches; Escape closes the list.

const PAUSE = 120; // ms without a key, after which is asked

let text, make, box, list, said, topics = [], active = -1, timer, asking;

function show(found) {
  topics = found;
  active = -1;
  list.replaceChildren(...found.map(({ name, kind, level }, i) => make('li', { id: `found-${i}`, role: 'option', ariaSelected: 'false' },
    make('bdi', {}, name), ' ', make('span', { className: 'what' }, level ? `${text('kind-' + kind)} · ${text('was-' + level)}` : text('kind-' + kind)))));
  list.hidden = !found.length;
  box.setAttribute('aria-expanded', !list.hidden);
  box.removeAttribute('aria-activedescendant');
}

function close() {
  clearTimeout(timer);
  asking?.abort();
  said.textContent = '';
  show([]);
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking, query = box.value.trim();
  if (!query) return close();
  try {
    const response = await fetch(`/topics?limit=8&q=${encodeURIComponent(query)}`, { signal });
    if (!response.ok) return close();
    const found = (await response.json()).topics;
    if (signal.aborted) return;
    show(found);
    said.textContent = text('topics-found', { n: found.length });
  } catch {
    if (!signal.aborted) close(); // the service is away: Enter says so
  }
}

function choose(i) {
  list.children[active]?.setAttribute('aria-selected', 'false');
  active = (i + topics.length) % topics.length;
  const option = list.children[active];
  option.setAttribute('aria-selected', 'true');
  option.scrollIntoView({ block: 'nearest' });
  box.setAttribute('aria-activedescendant', option.id);
}

const open = (topic) => location.assign(`/t/${encodeURIComponent(topic.id)}`);

function key(event) {
  if (event.isComposing || list.hidden) return;
  if (event.key === 'ArrowDown') choose(active + 1);
  else if (event.key === 'ArrowUp') choose(active < 0 ? -1 : active - 1);
  else if (event.key === 'Escape') close();
  else return;
  event.preventDefault();
}

/** begin makes a combobox of a page's box for searches. */
export function begin(page, input) {
  ({ text, make } = page);
  box = input;
  list = make('ul', { id: 'found', role: 'listbox', ariaLabel: text('topics'), hidden: true });
  said = make('span', { className: 'unseen', role: 'status' });
  box.form.append(list, said);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-controls', 'found'], ['aria-expanded', 'false']]) box.setAttribute(name, value);
  box.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  box.addEventListener('keydown', key);
  box.addEventListener('blur', close);
  box.form.addEventListener('submit', (event) => {
    if (active < 0) return;
    event.preventDefault();
    open(topics[active]);
  });
  list.addEventListener('pointerdown', (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener('click', (event) => {
    const i = [...list.children].indexOf(event.target.closest('li'));
    if (i >= 0) open(topics[i]);
  });
  if (box.value && document.activeElement === box && box.value !== box.defaultValue) ask(); // typed while this came
}
