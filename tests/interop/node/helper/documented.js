// The table of docs/compatibility.md that says which verifier takes which algorithm.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

/** The columns of the table, and what it says of these verifiers; each must be a row. */
export function documentedVerifiers(names) {
  const page = readFileSync(new URL('../../../../docs/compatibility.md', import.meta.url), 'utf8')
  const [, table] = page.match(/<!-- verifiers -->\n(.*?)<!-- end -->/s) ?? []
  assert(table, 'docs/compatibility.md has no table of verifiers')
  const cells = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim().replaceAll('`', ''))
  const [[, , ...algorithms], , ...rows] = table.trim().split('\n').map(cells)
  const marks = new Map(rows.map(([name, , ...marks]) => [name, marks]))
  for (const name of names) assert(marks.has(name), `docs/compatibility.md has no row for ${name}`)
  const takes = (name, alg) => {
    const mark = marks.get(name)[algorithms.indexOf(alg)]
    assert(['yes', 'no'].includes(mark), `docs/compatibility.md says neither yes nor no of ${name} and ${alg}`)
    return mark === 'yes'
  }
  return { algorithms, takes }
}
