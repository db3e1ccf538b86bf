// A query in words, as the index has them: Chinese is cut into the fewest words that the index knows.
var splitQuery = (query) => query.split(/[^\p{Letter}\p{Number}_]+/gu).flatMap(part =>
  (part.match(/[\u3400-\u9fff]+|[^\u3400-\u9fff]+/g) || []).flatMap(run => /[\u3400-\u9fff]/.test(run) ? cutChinese(run) : [run]));
var cutChinese = (text) => {
  const { terms, titleterms } = Search._index, known = (o) => o in terms || o in titleterms;
  const best = [[0, []]];  // for each length: how many words (an unknown sign counts as a hundred), and which
  for (let end = 1; end <= text.length; end++)
    for (let start = Math.max(0, end - 12); start < end; start++) {
      const word = text.slice(start, end), is = known(word);
      if (!is && word.length > 1) continue;
      const cost = best[start][0] + (is ? 1 : 100);
      if (!best[end] || cost < best[end][0]) best[end] = [cost, [...best[start][1], word]];
    }
  return best[text.length][1];
};
