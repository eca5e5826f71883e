/** Rows of `[scenario, what, figure, budget, met, beside it]` as Markdown. */
export function report(rows, machine) {
  const line = cells => `| ${cells.join(' | ')} |`
  const words = { true: 'yes', false: '**no**', undefined: '' }
  return [
    machine, '',
    line(['scenario', 'what', 'figure', 'budget', 'met', 'beside it']),
    line(['---', '---', '--:', '--:', '---', '---']).replaceAll(' | ', '|').replace('| -', '|-').replace('- |', '-|'),
    ...rows.map(([scenario, what, figure, budget, met, beside]) => line([scenario, what, figure, budget ?? '', words[met] ?? '', beside])),
    '',
  ].join('\n')
}
