// The reference: the OpenAPI document as a page.

import { byId, element, json, prose } from './dom.js'

const METHODS = ['get', 'put', 'post', 'delete']
let document_

/** What a `$ref` stands for, or the value itself. */
function resolved(value) {
  if (!value?.$ref) return value
  const names = value.$ref.slice(2).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  return names.reduce((place, name) => place[name], document_)
}

/** The type of a schema in a few words. */
function kind(schema) {
  const { type, const: constant, enum: values, oneOf, anyOf, items, format } = resolved(schema)
  if (constant !== undefined) return JSON.stringify(constant)
  if (values) return values.filter((value) => value !== null && value !== '').map((value) => JSON.stringify(value)).join(' | ')
  const alternatives = oneOf ?? anyOf
  if (alternatives) return [...new Set(alternatives.map(kind).filter((name) => name && name !== 'null'))].join(' | ')
  const named = [type].flat().filter((name) => name && name !== 'null').join(' | ')
  if (named === 'array') return items ? `${kind(items)}[]` : 'array'
  return format && named === 'string' ? format : named
}

/** The alternatives of a value that have a description each, such as error codes. */
function choices(schema) {
  const found = (resolved(schema).oneOf ?? []).filter((choice) => choice.const !== undefined && choice.description)
  if (!found.length) return null
  return element('table', {}, ...found.map((choice) =>
    element('tr', {}, element('th', { text: choice.const }), prose(choice.description, 'td'))))
}

/** The members of an object, those of all its parts, as rows. */
function members(schema) {
  const { properties = {}, required = [], allOf = [], oneOf = [] } = resolved(schema)
  const own = Object.entries(properties).map(([name, member]) => {
    const { description } = { ...resolved(member), ...member }
    return element('tr', {},
      element('th', { scope: 'row' }, name, required.includes(name) ? element('span', { class: 'required', text: 'required' }) : null),
      element('td', {}, element('span', { class: 'kind', text: kind(member) }), description ? prose(description, 'small') : null))
  })
  return [...own, ...allOf.flatMap(members), ...oneOf.filter((part) => !('const' in part)).flatMap(members)]
}

function more(title, ...children) {
  const present = children.filter((child) => child !== null)
  return present.length ? element('details', { class: 'more' }, element('summary', { text: title }), ...present) : null
}

function table(rows) {
  return rows.length ? element('table', {}, ...rows) : null
}

function parameters(list) {
  return table(list.map(resolved).map(({ name, in: where, required, description, schema }) =>
    element('tr', {},
      element('th', { scope: 'row' }, name, required ? element('span', { class: 'required', text: 'required' }) : null),
      element('td', {}, element('span', { class: 'kind', text: `${where}, ${kind(schema)}` }), prose(description, 'small')))))
}

function examples({ example, examples }) {
  const values = example !== undefined ? [example] : Object.values(examples ?? {}).map(({ value }) => value)
  return values.map(json)
}

function requestBody(body) {
  if (!body) return []
  const [[type, media]] = Object.entries(body.content)
  return [element('h3', { text: 'Body' }), element('p', {}, element('code', { text: type })),
    table(members(media.schema)), more('Examples', ...examples(media))]
}

function response([status, reference]) {
  const { description, headers = {}, content = {} } = resolved(reference)
  const media = Object.entries(content).flatMap(([type, { schema, ...media }]) => {
    const errors = [resolved(schema), ...(resolved(schema).oneOf ?? [])].map((part) => part.properties?.error)
    const codes = errors.filter(Boolean).map(choices)
    const shape = codes.length ? [] : [more('Members', table(members(schema)))]
    return [...codes, ...shape, more(`Example, ${type}`, ...examples(media))]
  })
  const rows = Object.entries(headers).map(([name, header]) => {
    const { description = '', schema } = resolved(header)
    return element('tr', {}, element('th', { scope: 'row', text: name }),
      element('td', {}, element('span', { class: 'kind', text: kind(schema) }), prose(description, 'small')))
  })
  const parts = [...media, more('Headers', table(rows))].filter((part) => part !== null)
  return element('div', { class: 'response' },
    element('p', {}, element('span', { class: `badge ${status < 400 ? 'good' : 'bad'}`, text: status }), prose(description, 'span')), ...parts)
}

function security(requirements) {
  const schemes = requirements.flatMap(Object.keys)
  if (!schemes.length) return []
  const optional = requirements.some((requirement) => !Object.keys(requirement).length)
  const rows = schemes.map((name) => {
    const { description } = document_.components.securitySchemes[name]
    return element('tr', {}, element('th', { scope: 'row', text: name }), prose(description, 'td'))
  })
  return [element('h3', { text: optional ? 'Authentication, one of these or as the body says' : 'Authentication' }), table(rows)]
}

function operation(path, method, item) {
  const { operationId, summary, description, requestBody: body, responses, security: needs = [] } = item[method]
  const list = [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
  const heading = element('summary', {},
    element('span', { class: `method ${method}`, text: method.toUpperCase() }),
    element('span', { class: 'path', text: path }), element('span', { class: 'what', text: summary }))
  const details = element('details', { class: 'operation', id: `operation-${operationId}` }, heading)
  // Made when it is first opened.
  details.addEventListener('toggle', () => {
    details.append(element('div', { class: 'body' },
      prose(description), ...security(needs),
      ...(list.length ? [element('h3', { text: 'Parameters' }), parameters(list)] : []),
      ...requestBody(resolved(body)),
      element('h3', { text: 'Responses' }), ...Object.entries(responses).map(response)))
  }, { once: true })
  return details
}

async function start() {
  document_ = await (await fetch('/openapi.json')).json()
  const { info, tags, paths } = document_
  byId('summary').textContent = info.description.split('\n')[0]
  const all = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, item })))
  byId('operations').replaceChildren(...tags.flatMap(({ name, description }) => [
    element('div', { class: 'tag' }, element('h2', { text: name }), prose(description)),
    ...all.filter(({ method, item }) => item[method].tags.includes(name)).map(({ path, method, item }) => operation(path, method, item)),
  ]))
}

await start()
