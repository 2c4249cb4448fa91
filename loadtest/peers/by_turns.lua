-- For wrk: reads the objects PREFIX .. FIRST to PREFIX .. LAST by turns. Requests are written once, so that choosing
-- one costs the load next to nothing.
local requests, turn = {}, 0

function init(args)
   local prefix, first, last = args[1], tonumber(args[2]), tonumber(args[3])
   for id = first, last do
      requests[#requests + 1] = wrk.format("GET", prefix .. id)
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end
