// Small helpers that build elements. Text becomes text nodes only, so nothing that a server sends can become markup.

export const byId = (id) => document.getElementById(id)

/** An element with attributes and children; `class` and `text` are shorthands, and `null` children are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') made.className = value
    else if (key === 'text') made.textContent = value
    else if (key.startsWith('on')) made.addEventListener(key.slice(2), value)
    else made.setAttribute(key, value)
  }
  made.append(...children.filter((child) => child !== null))
  return made
}

/** A text in which `code` between backticks is marked as such. */
export function prose(text, name = 'p', attributes = {}) {
  const parts = text.split(/`([^`]*)`/)
  return element(name, attributes, ...parts.map((part, index) => index % 2 ? element('code', { text: part }) : part))
}

/** JSON with its members, texts and other values in colours. */
export function json(value) {
  // Short lists stand on one line.
  const text = JSON.stringify(value, null, 2).replace(/\[\s+([^[\]{}]{1,70}?)\s+\]/g, (_, list) => `[${list.replace(/,\s+/g, ', ')}]`)
  const parts = text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/)
  const kind = (part) => part.endsWith(':') ? 'member' : part.startsWith('"') ? 'text' : 'other'
  return element('pre', { tabindex: 0 },
    ...parts.map((part, index) => index % 2 ? element('span', { class: kind(part), text: part }) : part))
}

/** A button that copies a text, where the browser lets a page do that. */
export function copyButton(text, label = 'Copy') {
  if (!navigator.clipboard) return null
  const copied = async ({ currentTarget: button }) => {
    try {
      await navigator.clipboard.writeText(text())
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Not allowed'
    }
    setTimeout(() => { button.textContent = label }, 1500)
  }
  return element('button', { type: 'button', class: 'small', text: label, onclick: copied })
}

/** Shows a request as a curl line, and its response: status and JSON. */
export function showExchange(place, curl, response) {
  const { status, statusText, body } = response
  const kind = status >= 200 && status < 300 ? 'good' : 'bad'
  place.replaceChildren(
    element('div', { class: 'answer-head' }, element('h3', { text: 'Request' }), copyButton(() => curl)),
    element('pre', { class: 'curl', tabindex: 0, text: curl }),
    element('div', { class: 'answer-head' }, element('h3', { text: 'Response' }),
      element('span', { class: `badge ${kind} status`, text: `${status} ${statusText}`.trim() })),
    json(body),
  )
}

/** Shows that no response came. */
export function showFailure(place, error) {
  place.replaceChildren(element('p', { class: 'badge bad', text: `The server did not answer: ${error.message}` }))
}
