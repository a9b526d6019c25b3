// Runs in the browser: it may use nothing from outside, and is no TypeScript, since the tree knows no page.

;(() => {
  /** What is wrong with the page as it stands. */
  const inspectPage = () => {
    const wrong = []
    const say = (what, element) => wrong.push(element ? `${what}: ${element.outerHTML.slice(0, 120)}` : what)
    const root = document.documentElement
    if (!/^(ko|en)$/.test(root.lang)) say('no language')
    if (document.title.trim() === '') say('no title')
    if (document.querySelectorAll('main').length !== 1) say('not one main')
    if (root.scrollWidth > root.clientWidth) say(`scrolls to the side: ${root.scrollWidth} > ${root.clientWidth}`)
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
    for (const id of ids) if (ids.filter((other) => other === id).length > 1) say(`id twice: ${id}`)
    for (const element of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
      const named = `${element.getAttribute('aria-labelledby') ?? ''} ${element.getAttribute('aria-describedby') ?? ''}`
      for (const id of named.split(' '))
        if (id !== '' && !document.getElementById(id)) say(`refers to no ${id}`, element)
    }

    const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ tagName }) => Number(tagName[1]))
    if (levels.filter((level) => level === 1).length !== 1) say('not one h1')
    levels.reduce((before, level) => {
      if (level > before + 1) say(`heading ${level} after ${before}`)
      return level
    }, 0)

    const numbers = (color) => (color.match(/[\d.]+/g) ?? []).map(Number)
    const light = (color) => {
      const [r = 0, g = 0, b = 0] = color.map((part) => {
        const share = part / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ratio = (one, two) => {
      const [low = 0, high = 0] = [light(one.slice(0, 3)), light(two.slice(0, 3))].sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05)
    }
    const behind = (element) => {
      if (!element) return [255, 255, 255]
      const color = numbers(getComputedStyle(element).backgroundColor)
      return color.length === 3 || (color[3] ?? 1) === 1 ? color : behind(element.parentElement)
    }
    const isShown = (element) => {
      const box = element.getBoundingClientRect()
      return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility === 'visible'
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement
      if (!element || (texts.currentNode.textContent ?? '').trim() === '' || !isShown(element)) continue
      const style = getComputedStyle(element)
      const isLarge =
        Number.parseFloat(style.fontSize) >= 24 ||
        (Number.parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700)
      const found = ratio(numbers(style.color), behind(element))
      if (found < (isLarge ? 3 : 4.5)) say(`contrast ${found.toFixed(2)}`, element)
    }

    for (const control of document.querySelectorAll('a, button, input:not([type=hidden])')) {
      if (!isShown(control)) continue
      const labels = control instanceof HTMLInputElement ? [...(control.labels ?? [])] : []
      const name =
        control instanceof HTMLInputElement
          ? labels.map(({ textContent }) => textContent).join(' ')
          : control.textContent
      if ((name ?? '').trim() === '') say('no name', control)
      const box = control.getBoundingClientRect()
      const isInText = control.tagName === 'A' && control.parentElement?.tagName === 'P'
      if (!isInText && (box.height < 24 || box.width < 24)) say(`target ${box.width}x${box.height}`, control)
      if (control.tagName === 'A') continue
      const edge = ratio(numbers(getComputedStyle(control).borderTopColor), behind(control.parentElement))
      if (edge < 3) say(`edge ${edge.toFixed(2)}`, control)
    }
    const buttons = [...document.querySelectorAll('button')].map(({ textContent }) => (textContent ?? '').trim())
    for (const name of buttons) if (buttons.filter((other) => other === name).length > 1) say(`buttons alike: ${name}`)
    return wrong
  }

  /** Where the keyboard is. */
  const inspectFocus = () => {
    const element = document.activeElement
    const all = [...document.querySelectorAll('a, button, input:not([type=hidden])')]
    const style = element ? getComputedStyle(element) : undefined
    return {
      at: element ? all.indexOf(element) : -1,
      isShown: style !== undefined && style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2,
      text: element?.outerHTML.slice(0, 100) ?? '',
    }
  }

  return { inspectPage, inspectFocus }
})()
