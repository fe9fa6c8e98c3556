-- Replaces the latest address in a session record. Apart from session.lua, because only a refresh needs it, and a script
-- must be short enough for a slow line.

local function blank(text)
  return ('_'):rep(#text)
end

-- The first and last character of an element of a record that `parse` accepted; nil if it has fewer elements. Commas
-- inside strings, lists and objects are blanked first.
local function span_of(record, wanted)
  local plain = record:sub(2, -2):gsub('\\.', '__'):gsub('"[^"]*"', blank)
  plain = plain:gsub('%b[]', blank):gsub('%b{}', blank)
  local from = 1
  for _ = 2, wanted do
    local comma = plain:find(',', from, true)
    if not comma then return end
    from = comma + 1
  end
  return from + 1, plain:find(',', from, true) or #record - 1
end

-- Replaces the element in the text. Encoding the whole record anew would turn empty lists into objects.
local function with_latest_address(record, address)
  local text = cjson.encode(address)
  local from, to = span_of(record, LATEST_ADDRESS)
  if not from then return record:match('^(.*)%]') .. ',' .. text .. ']' end
  return record:sub(1, from - 1) .. text .. record:sub(to + 1)
end
