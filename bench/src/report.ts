import { meets, type Outcome, ratioOf, valueOf } from './measure.ts'
import { type Peer, titles } from './peers.ts'
import type { Metric } from './work.ts'

/** A table in Markdown of what was measured, and its footnotes. */
export function tableOf(outcomes: Outcome[], peers: readonly Peer[]): string {
  const notes: string[] = []
  const others = peers.filter((peer) => peer !== 'floor')
  const rows = outcomes.flatMap((outcome) =>
    outcome.case.metrics.map((metric) => [
      metric.title,
      barText(metric),
      withUnit(valueOf(outcome, metric, 'floor'), metric),
      ...others.map((peer) => cell(outcome, metric, peer, notes)),
      verdict(outcome, metric),
    ]),
  )
  const head = ['work', 'bar', 'floor', ...others.map((peer) => titles[peer]), 'met']
  return [...markdownTable([head, ...rows]), ...footnotes(notes)].join('\n')
}

/** A table in Markdown of what was measured of Tidings in two configurations. */
export function nodesTableOf(outcomes: Outcome[]): string {
  const notes: string[] = []
  const rows = outcomes.flatMap((outcome) =>
    outcome.case.metrics.map((metric) => [
      metric.title,
      barText(metric),
      cell(outcome, metric, 'tidings', notes),
      verdict(outcome, metric),
    ]),
  )
  return [...markdownTable([['work', 'bar', 'Tidings', 'met'], ...rows]), ...footnotes(notes)].join('\n')
}

/** All tables in Markdown that the outcomes fill: that of the peers, and that of many nodes. */
export function tablesOf(outcomes: Outcome[], peers: readonly Peer[]): string {
  const [nodes, others] = partedOutcomes(outcomes)
  return [
    ...(others.length > 0 ? [tableOf(others, peers)] : []),
    ...(nodes.length > 0 ? [nodesTableOf(nodes)] : []),
  ].join('\n\n')
}

/** Those of many nodes, and the others. */
export function partedOutcomes(outcomes: Outcome[]): [nodes: Outcome[], others: Outcome[]] {
  const isOfNodes = (outcome: Outcome) => outcome.case.isOfNodes === true
  return [outcomes.filter(isOfNodes), outcomes.filter((outcome) => !isOfNodes(outcome))]
}

/** A table in Markdown of how many cores were used, by what is measured and by the other side. */
export function loadOf(outcomes: Outcome[], peers: readonly Peer[]): string {
  const rows = outcomes.flatMap((outcome) => {
    const [first] = [...outcome.rounds.values()].flat()
    if (first?.subjectShare === undefined) return []
    const shares = peers.map((peer) => {
      const [own, other] = ['subjectShare', 'otherShare'].map((key) => valueOf(outcome, { key }, peer))
      return own === undefined ? '-' : `${own.toFixed(2)}, ${other!.toFixed(2)}`
    })
    return [[outcome.case.name, ...shares]]
  })
  return markdownTable([['case', ...peers.map((peer) => titles[peer])], ...rows]).join('\n')
}

function cell(outcome: Outcome, metric: Metric, peer: Peer, notes: string[]): string {
  const figure = (metric.absolute ? valueOf : ratioOf)(outcome, metric, peer)
  const note = (reason: string) => {
    const text = `${titles[peer]} ${reason}`
    if (!notes.includes(text)) notes.push(text)
    return ` (${notes.indexOf(text) + 1})`
  }
  if (figure === undefined)
    return `-${note(outcome.whyNot.get(peer) ?? 'cannot be compared: the floor was not measured')}`
  const caveat = outcome.rounds.get(peer)!.flatMap((figures) => outcome.case.caveat?.(figures!) ?? [])[0]
  const text = metric.absolute ? withUnit(figure, metric) : figure.toFixed(2)
  return caveat === undefined ? text : text + note(caveat)
}

const footnotes = (notes: string[]): string[] =>
  notes.length === 0 ? [] : ['', ...notes.map((note, index) => `${index + 1}. ${note}`)]

function verdict(outcome: Outcome, metric: Metric): string {
  const met = meets(outcome, metric)
  return met === undefined ? '' : met ? 'yes' : '**no**'
}

function barText({ bar, unit, absolute }: Metric): string {
  if (bar === undefined) return ''
  const [sign, limit] = bar.atLeast === undefined ? ['<=', bar.atMost!] : ['>=', bar.atLeast]
  return `${sign} ${limit < 100 ? limit.toFixed(2) : digits(limit)}${absolute ? ` ${unit}` : ''}`.trimEnd()
}

function withUnit(figure: number | undefined, { unit }: Metric): string {
  return figure === undefined ? '-' : `${digits(figure)} ${unit}`.trimEnd()
}

const digits = (figure: number) =>
  figure >= 1_000 ? Math.round(figure).toLocaleString('en') : figure.toPrecision(3)

function markdownTable(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]) =>
    `| ${cells.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`
  const [head, ...body] = rows
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)]
}
