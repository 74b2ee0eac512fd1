// A site may have a root of its own: the chat is there all the same.
import React, {createContext} from 'react';

export const Greeting = createContext('');

export default function Root({children}) {
  return <Greeting.Provider value="Hello">{children}</Greeting.Provider>;
}
