// The reader's language: that of the page, as far as there are words in it.

/** What the button needs of each language; the rest comes with the panel. */
const BUTTON = {
  ar: ["اسأل الكتاب", "اسأل عن هذا", "لم يُحمَّل. حاول مجددًا."],
  de: ["Das Buch fragen", "Danach fragen", "Nicht geladen. Noch einmal?"],
  en: ["Ask the book", "Ask about this", "Not loaded. Try again?"],
  es: ["Pregunta al libro", "Preguntar sobre esto", "No se cargó. ¿Reintentar?"],
  fr: ["Interroger le livre", "Poser une question là-dessus", "Non chargé. Réessayer ?"],
  hi: ["किताब से पूछें", "इसके बारे में पूछें", "लोड नहीं हुआ। फिर से?"],
  ja: ["本に質問する", "この部分について質問", "読み込み失敗。再試行？"],
  pt: ["Pergunte ao livro", "Perguntar sobre isto", "Não carregou. Tentar de novo?"],
  ru: ["Спросить книгу", "Спросить об этом", "Не загружено. Повторить?"],
  ur: ["کتاب سے پوچھیں", "اس کے بارے میں پوچھیں", "لوڈ نہیں ہوا۔ دوبارہ؟"],
  zh: ["向本书提问", "询问所选内容", "加载失败，重试？"],
};

/** @typedef {keyof typeof BUTTON} Language */

/**
 * The language of what surrounds an element, or English.
 *
 * @param {Element} element
 * @returns {Language}
 */
export function languageOf(element) {
  const tag = element.closest("[lang]")?.getAttribute("lang") ?? "";
  const [primary = ""] = tag.toLowerCase().split("-");
  return Object.hasOwn(BUTTON, primary) ? /** @type {Language} */ (primary) : "en";
}

/**
 * The direction in which a language is written.
 *
 * @param {Language} language
 */
export function directionOf(language) {
  return language === "ar" || language === "ur" ? "rtl" : "ltr";
}

/**
 * The words on and around the button.
 *
 * @param {Language} language
 */
export function buttonWords(language) {
  const [heading = "", about = "", lost = ""] = BUTTON[language];
  return { heading, about, lost };
}
