// In place of the package that shows videos, which is not installed.
export default function Video() {
  return null;
}
